/** Times what the command line asks for; `usage` in options.ts says what it may ask. */

import { setFlagsFromString } from 'node:v8';
import type { BenchReport } from './benches.js';
import { describeMachine } from './harness.js';
import { type BenchName, type BenchOptions, readOptions, usage } from './options.js';

// Behind a flag before Node 22; set before any module is compiled.
if (Number.parseInt(process.versions.node, 10) < 22) setFlagsFromString('--experimental-wasm-relaxed-simd');

/** Ends the process where there is nothing to bench. */
function optionsOrEnd(): BenchOptions {
  try {
    const options = readOptions(process.argv.slice(2));
    if (!options.help) return options;
    console.log(usage);
    process.exit(0);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
}

const options = optionsOrEnd();
const { benches } = await import('./benches.js');
const machine = describeMachine();
const print = (text: string) => {
  if (!options.json) console.log(`${text}\n`);
};
print(
  `${machine.cpu}, ${machine.cores} cores; Node ${machine.node}; commit ${machine.commit}; ${machine.date}`,
);

const reports: Partial<Record<BenchName, BenchReport>> = {};
for (const name of options.only) {
  const report = await benches[name](options, print);
  reports[name] = report;
  if (report.wrong && report.wrong.length > 0) process.exitCode = 1;
}
if (options.json) console.log(JSON.stringify({ machine, rounds: options.rounds, ...reports }));
