import { Random } from '../../../src/random.js';

/** What came of the mutated files. */
export interface FuzzReport {
  files: number;
  /** Files that a reader took in spite of the change. */
  accepted: number;
  slowestMs: number;
  /** Different messages, with everything that varies taken out. */
  readonly messages: Set<string>;
}

export interface FuzzTarget {
  readonly corpus: readonly Uint8Array[];
  /** Reads a file; throws `FormatError` and nothing else for one that is malformed. */
  read(bytes: Uint8Array): void;
  isExpected(error: unknown): boolean;
}

const HEADER_BEGIN = 8;
/** Numbers at which readers go wrong. */
const numbers = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  255,
  65535,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  1e300,
  -1,
  1.5,
];
const values = [
  ...numbers,
  null,
  true,
  '',
  'F32',
  'F64',
  'U8',
  'I64',
  'BF16',
  'F16',
  'X',
  [],
  {},
  [0],
  [[]],
  '__proto__',
];

const pick = <T>(random: Random, list: readonly T[]): T => list[random.integer(list.length)];

const concat = (...parts: readonly Uint8Array[]): Uint8Array => {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
};

const randomBytes = (random: Random, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => random.integer(256));

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

const flipBits: Mutation = (bytes, random) => {
  const changed = bytes.slice();
  for (let flips = 1 + random.integer(8); flips > 0 && changed.length > 0; flips--) {
    changed[random.integer(changed.length)] ^= 1 << random.integer(8);
  }
  return changed;
};

const overwrite: Mutation = (bytes, random) => {
  const changed = bytes.slice();
  const length = Math.min(1 + random.integer(16), changed.length);
  changed.set(randomBytes(random, length), random.integer(changed.length - length + 1));
  return changed;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, random.integer(bytes.length + 1));

const insert: Mutation = (bytes, random) => {
  const at = random.integer(bytes.length + 1);
  return concat(bytes.subarray(0, at), randomBytes(random, 1 + random.integer(32)), bytes.subarray(at));
};

const remove: Mutation = (bytes, random) => {
  const at = random.integer(bytes.length + 1);
  return concat(bytes.subarray(0, at), bytes.subarray(at + 1 + random.integer(16)));
};

const repeat: Mutation = (bytes, random) => {
  const [begin, end] = [random.integer(bytes.length + 1), random.integer(bytes.length + 1)];
  return concat(bytes.subarray(0, Math.max(begin, end)), bytes.subarray(Math.min(begin, end)));
};

const lieAboutHeader: Mutation = (bytes, random) => {
  const changed = bytes.slice();
  if (changed.length < HEADER_BEGIN) return changed;
  const view = new DataView(changed.buffer);
  const length = view.getBigUint64(0, true);
  const lies = [
    0n,
    1n,
    2n,
    length - 1n,
    length + 1n,
    length + 8n,
    100_000_000n,
    100_000_001n,
    2n ** 32n,
    2n ** 63n,
  ];
  view.setBigUint64(
    0,
    BigInt.asUintN(64, random.integer(3) === 0 ? BigInt(random.nextUint32()) : pick(random, lies)),
    true,
  );
  return changed;
};

/** Random words of JSON syntax over a stretch of the header. */
const garbleHeader: Mutation = (bytes, random) => {
  const length = headerLengthOf(bytes);
  if (length === null || length === 0) return bytes;
  const words = [
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    '\\u0000',
    '\\ud800',
    '1e9',
    '-',
    'null',
    '[[[[[[',
    '"a":',
    ' ',
  ];
  const text = new TextEncoder().encode(pick(random, words));
  const at = HEADER_BEGIN + random.integer(length);
  if (random.integer(2) === 0) return concat(bytes.subarray(0, at), text, bytes.subarray(at + text.length));
  return withHeader(
    concat(bytes.subarray(HEADER_BEGIN, at), text, bytes.subarray(at, HEADER_BEGIN + length)),
    bytes,
    length,
  );
};

function headerLengthOf(bytes: Uint8Array): number | null {
  if (bytes.length < HEADER_BEGIN) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  return length <= BigInt(bytes.length - HEADER_BEGIN) ? Number(length) : null;
}

function withHeader(header: Uint8Array, bytes: Uint8Array, oldLength: number): Uint8Array {
  const start = new Uint8Array(HEADER_BEGIN);
  new DataView(start.buffer).setBigUint64(0, BigInt(header.length), true);
  return concat(start, header, bytes.subarray(HEADER_BEGIN + oldLength));
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** Changes one value somewhere in a tree of objects and arrays. */
function changeTree(tree: Json, random: Random): void {
  let node = tree;
  for (let depth = 0; ; depth++) {
    const keys = Object.keys(node);
    if (keys.length === 0) return;
    const key = pick(random, keys);
    const child = node[key];
    if (isObject(child) && depth < 6 && random.integer(4) > 0) {
      node = child;
      continue;
    }
    const kind = random.integer(7);
    if (kind === 0) delete node[key];
    else if (kind === 1)
      Object.defineProperty(node, pick(random, ['x', '__proto__', '__metadata__', '0.weight', 'shape']), {
        value: child,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    else if (kind === 2 && typeof child === 'number') node[key] = child + pick(random, [-4, -1, 1, 4, 8]);
    else if (kind === 3 && typeof child === 'string') node[key] = changeText(child, random);
    else if (kind === 4) node[key] = structuredClone(node[pick(random, keys)]);
    else if (kind === 5 && Array.isArray(child)) child.push(structuredClone(pick(random, values)));
    else node[key] = structuredClone(pick(random, values));
    return;
  }
}

/** Text that is JSON, as in the metadata, is changed as a tree. */
function changeText(text: string, random: Random): string {
  try {
    const tree: unknown = JSON.parse(text);
    if (isObject(tree)) {
      changeTree(tree, random);
      return JSON.stringify(tree);
    }
  } catch {
    // Not JSON: characters are changed instead.
  }
  const at = random.integer(text.length + 1);
  return (
    text.slice(0, at) +
    pick(random, ['', 'x', '0', '\ud800', '"', '\u0000', 'é']) +
    text.slice(at + random.integer(3))
  );
}

const changeHeader: Mutation = (bytes, random) => {
  const length = headerLengthOf(bytes);
  if (length === null) return bytes;
  let tree: unknown;
  try {
    tree = JSON.parse(new TextDecoder().decode(bytes.subarray(HEADER_BEGIN, HEADER_BEGIN + length)));
  } catch {
    return flipBits(bytes, random);
  }
  if (!isObject(tree)) return bytes;
  for (let changes = 1 + random.integer(2); changes > 0; changes--) changeTree(tree, random);
  return withHeader(new TextEncoder().encode(JSON.stringify(tree) ?? ''), bytes, length);
};

const mutations = [
  ...[flipBits, overwrite, truncate, insert, remove, repeat, lieAboutHeader, garbleHeader],
  ...[changeHeader, changeHeader, changeHeader, changeHeader],
];

/** Reads `count` mutated files; throws with the seed and number of the first that brings out another error. */
export function fuzz(target: FuzzTarget, count: number, seed: number): FuzzReport {
  const report: FuzzReport = { files: 0, accepted: 0, slowestMs: 0, messages: new Set() };
  for (; report.files < count; report.files++) {
    // A generator for each file, so that one can be made again by itself.
    const random = new Random(seed * 2 ** 32 + report.files);
    let bytes = pick(random, target.corpus);
    for (let changes = random.integer(4) === 0 ? 2 : 1; changes > 0; changes--) {
      bytes = pick(random, mutations)(bytes, random);
    }
    const began = performance.now();
    try {
      target.read(bytes);
      report.accepted++;
    } catch (error) {
      if (!target.isExpected(error)) {
        throw new Error(`file ${report.files} of seed ${seed}: ${error}`, { cause: error });
      }
      report.messages.add(kindOf((error as Error).message));
    }
    report.slowestMs = Math.max(report.slowestMs, performance.now() - began);
  }
  return report;
}

/** The rule of a message without names and numbers. */
const kindOf = (message: string): string =>
  message
    .slice(0, message.indexOf(': received'))
    .replaceAll(/'[^']*'|"[^"]*"/g, '_')
    .replaceAll(/\d+/g, '0');
