/** Time in the divergence guard's own code. The steps of a run are the same with it and without it. */

import { performance } from 'node:perf_hooks';
import { LossWatch } from '../src/divergence-signs.js';
import { Engine } from '../src/engine.js';
import type { JobOptions } from '../src/job.js';
import { JobJournal } from '../src/job-journal.js';

let seconds = 0;
let depth = 0;

/** Calls `body`, and adds its time to the guard's, unless it is part of a call that is timed already. */
function timed<T>(body: () => T): T {
  if (depth++ > 0) {
    try {
      return body();
    } finally {
      depth--;
    }
  }
  const start = performance.now();
  try {
    return body();
  } finally {
    seconds += (performance.now() - start) / 1000;
    depth--;
  }
}

type Method = (this: object, ...args: unknown[]) => unknown;

function meter(prototype: object, names: readonly string[]): void {
  const methods = prototype as Record<string, Method>;
  for (const name of names) {
    const method = methods[name];
    methods[name] = function (...args) {
      return timed(() => method.apply(this, args));
    };
  }
}

/** From here on the sources in this process are metered: all that the guard does before, between and after jobs. */
export function meterGuard(): void {
  meter(JobJournal.prototype, ['begin']);
  meter(LossWatch.prototype, ['begin', 'accept', 'isSuspicious', 'isSuspiciousSum']);
  const { runJob } = Engine.prototype;
  Engine.prototype.runJob = function (state, dataset, options: JobOptions = {}) {
    const { isDone } = options;
    if (!isDone) return runJob.call(this, state, dataset, options);
    return runJob.call(this, state, dataset, { ...options, isDone: (one) => timed(() => isDone(one)) });
  };
}

/** Seconds in the guard's code since the last call. */
export function takeGuardSeconds(): number {
  const taken = seconds;
  seconds = 0;
  return taken;
}
