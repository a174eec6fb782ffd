/**
 * npm run bench                              everything
 * npm run bench -- --only steps|kernels      one of them
 *                  --peers                   training steps of other libraries too: see peers/setup.mjs
 *                  --rounds 9                times each contender is timed
 *                  --json                    one JSON document instead of tables
 */

import { parseArgs } from 'node:util';
import { describeMachine } from './harness.js';
import { benchKernels, formatKernels } from './kernels.js';
import { benchSteps, formatCase } from './steps.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    peers: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '9' },
    json: { type: 'boolean', default: false },
  },
});
const { only, peers, json } = values;
if (only !== undefined && only !== 'steps' && only !== 'kernels') {
  throw new RangeError(`--only must be steps or kernels: received ${only}`);
}
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  throw new RangeError(`--rounds must be an integer >= 1: received ${values.rounds}`);
}

const machine = describeMachine();
const print = (text: string) => {
  if (!json) console.log(`${text}\n`);
};
print(
  `${machine.cpu}, ${machine.cores} cores; Node ${machine.node}; commit ${machine.commit}; ${machine.date}`,
);

const missingLines = (missing: { name: string; reason: string }[]) =>
  missing.map(({ name, reason }) => `\n  ${name}: missing: ${reason}`).join('');

const steps =
  only === 'kernels'
    ? undefined
    : await benchSteps({
        rounds,
        peers,
        onStart: ({ entrants, missing }) => {
          const lines = entrants.map(({ name, version }) => `\n  ${name}: ${version}`).join('');
          print(`Training steps, one thread, ${rounds} rounds${lines}${missingLines(missing)}`);
        },
        onCase: (report) => print(formatCase(report)),
      });

const kernels =
  only === 'steps'
    ? undefined
    : await benchKernels({
        rounds,
        onStart: (missing) => print(`Products, one thread, ${rounds} rounds${missingLines(missing)}`),
        onShape: (results) => print(formatKernels(results)),
      });

if (json) console.log(JSON.stringify({ machine, rounds, steps, kernels }));
if (steps?.cases.some(({ wrong }) => wrong.length > 0)) process.exitCode = 1;
