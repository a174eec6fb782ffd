/**
 * npm run bench                              everything
 * npm run bench -- --only traced             one of them: steps, kernels, or traced
 *                  --peers                   training steps of other libraries too: see peers/setup.mjs
 *                  --rounds 9                times each contender is timed
 *                  --json                    one JSON document instead of tables
 */

import { parseArgs } from 'node:util';
import { describeMachine } from './harness.js';
import { benchKernels, formatKernels } from './kernels.js';
import { benchSteps, formatCase } from './steps.js';
import { benchTraced, formatTraced } from './traced.js';

const benches = ['steps', 'kernels', 'traced'];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    peers: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '9' },
    json: { type: 'boolean', default: false },
  },
});
const { only, peers, json } = values;
if (only !== undefined && !benches.includes(only)) {
  throw new RangeError(`--only must be one of ${benches.join(', ')}: received ${only}`);
}
const wants = (bench: string) => only === undefined || only === bench;
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

const steps = wants('steps')
  ? await benchSteps({
      rounds,
      peers,
      onStart: ({ entrants, missing }) => {
        const lines = entrants.map(({ name, version }) => `\n  ${name}: ${version}`).join('');
        print(`Training steps, one thread, ${rounds} rounds${lines}${missingLines(missing)}`);
      },
      onCase: (report) => print(formatCase(report)),
    })
  : undefined;

const kernels = wants('kernels')
  ? await benchKernels({
      rounds,
      onStart: (missing) => print(`Products, one thread, ${rounds} rounds${missingLines(missing)}`),
      onShape: (results) => print(formatKernels(results)),
    })
  : undefined;

const traced = wants('traced')
  ? await benchTraced({
      rounds,
      onStart: (missing) =>
        print(
          `Traced activations against built-in ones, one thread, ${rounds} rounds${missingLines(missing)}`,
        ),
      onCase: (report) => print(formatTraced(report)),
    })
  : undefined;

if (json) console.log(JSON.stringify({ machine, rounds, steps, kernels, traced }));
const wrong = [...(steps?.cases ?? []), ...(traced ?? [])].flatMap((report) => report.wrong);
if (wrong.length > 0) process.exitCode = 1;
