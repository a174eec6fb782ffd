/** Every bench by its name on the command line. Each prints as it goes and returns what it printed as data. */

import { benchBrowser } from './browser.js';
import { benchEvaluate } from './evaluate.js';
import { benchExtras } from './extras.js';
import { benchGuard } from './guard.js';
import { missingLines, type Refusal } from './harness.js';
import { benchKernels } from './kernels.js';
import { benchNorms } from './norms.js';
import { benchOptimizers } from './optimizers.js';
import type { BenchName, BenchOptions } from './options.js';
import { benchPasses } from './passes.js';
import { formatPeaks, measurePeaks } from './peaks.js';
import { benchPredict } from './predict.js';
import { benchStartup } from './startup.js';
import { benchSteps } from './steps.js';
import { benchThreads } from './threads.js';
import { benchTraced } from './traced.js';

/** `wrong` lists answers that are not the reference's; they make the bench fail. */
export interface BenchReport {
  readonly missing: readonly Refusal[];
  readonly wrong?: readonly Refusal[];
}

type Bench = (options: BenchOptions, print: (text: string) => void) => Promise<BenchReport>;

export const benches: Record<BenchName, Bench> = {
  async peaks({ backends, rounds }, print) {
    const report = await measurePeaks(backends, rounds);
    print(`Peaks, one core, best of ${rounds} rounds${missingLines(report.missing)}\n${formatPeaks(report)}`);
    return report;
  },
  kernels: benchKernels,
  steps: benchSteps,
  threads: benchThreads,
  predict: benchPredict,
  passes: benchPasses,
  norms: benchNorms,
  optimizers: benchOptimizers,
  extras: benchExtras,
  guard: benchGuard,
  evaluate: benchEvaluate,
  startup: benchStartup,
  traced: benchTraced,
  browser: benchBrowser,
};
