/** What the command line of the bench may say. */

import { parseArgs } from 'node:util';
import { type BackendId, backendIds } from '../src/backends/backend.js';

export const benchNames = [
  'peaks',
  'kernels',
  'steps',
  'threads',
  'predict',
  'passes',
  'norms',
  'optimizers',
  'extras',
  'guard',
  'evaluate',
  'startup',
  'traced',
  'browser',
] as const;
export type BenchName = (typeof benchNames)[number];

export interface BenchOptions {
  only: BenchName[];
  peers: boolean;
  rounds: number;
  json: boolean;
  /** The backends that take part; without them the best of each kind, or all, as the bench says. */
  backends: BackendId[] | undefined;
  /** Which cases take part, by their names. */
  match: RegExp;
  /** What may be said is asked for. */
  help: boolean;
}

export const usage = `npm run bench                              everything
npm run bench -- --only traced,passes      some of it, by the names below
                 --peers                   other libraries too: see peers/setup.mjs
                 --backend native-avx2     these backends, instead of the best of each kind
                 --match '^784.*adam'      cases whose names match
                 --rounds 9                times each contender is timed
                 --json                    one JSON document instead of tables
                 --help                    this

${benchNames.join(', ')}`;

function isMember<T extends string>(list: readonly T[], value: string): value is T {
  return (list as readonly string[]).includes(value);
}

function listOf<T extends string>(option: string, allowed: readonly T[], text: string): T[] {
  return text.split(',').map((value) => {
    if (!isMember(allowed, value)) {
      throw new RangeError(`Cannot bench: ${option} must be of ${allowed.join(', ')}: received ${value}`);
    }
    return value;
  });
}

export function readOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      peers: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '9' },
      backend: { type: 'string' },
      match: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(`Cannot bench: --rounds must be an integer >= 1: received ${values.rounds}`);
  }
  return {
    only: values.only === undefined ? [...benchNames] : listOf('--only', benchNames, values.only),
    peers: values.peers,
    rounds,
    json: values.json,
    backends: values.backend === undefined ? undefined : listOf('--backend', backendIds, values.backend),
    match: new RegExp(values.match),
    help: values.help,
  };
}
