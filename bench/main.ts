/**
 * npm run bench                              everything
 * npm run bench -- --only traced,passes      some of it, by the names in options.ts
 *                  --peers                   other libraries too: see peers/setup.mjs
 *                  --backend native-avx2     these backends, instead of the best of each kind
 *                  --match '^784.*adam'      cases whose names match
 *                  --rounds 9                times each contender is timed
 *                  --json                    one JSON document instead of tables
 */

import { setFlagsFromString } from 'node:v8';
import type { BenchReport } from './benches.js';
import { describeMachine } from './harness.js';
import { type BenchName, readOptions } from './options.js';

// Behind a flag before Node 22; set before any module is compiled.
if (Number.parseInt(process.versions.node, 10) < 22) setFlagsFromString('--experimental-wasm-relaxed-simd');

const { benches } = await import('./benches.js');

const options = readOptions(process.argv.slice(2));
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
