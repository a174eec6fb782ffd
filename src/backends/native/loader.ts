import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ActivationCode,
  BinaryCode,
  ClipCode,
  DecisionCode,
  ExtentCode,
  LossCode,
  OptimizerCode,
  ReductionCode,
  RowCode,
  ScalarCode,
  UnaryCode,
} from '../../opcodes.js';
import { OptimizerScalar } from '../../optimizer-scalars.js';
import { operations } from '../../plan/operations.js';
import type { Draws } from '../../random.js';

type MaybeRows = Float32Array | Float64Array | null;

/** What of a `Run` crosses into the addon, in this order. */
export type RunArguments = [
  begin: number,
  end: number,
  rowsPerEpoch: number,
  batchSize: number,
  firstStep: number,
  steps: number,
  order: Uint32Array | null,
  metrics: Float64Array,
  result: MaybeRows,
  rates: Float64Array | null,
  rateScalar: number,
  /** Every, and begin and end of the programs `more` and `update`. */
  accumulation: Int32Array | null,
];

export interface AddonDataset {
  /** Copies what has not been copied yet. */
  complete(): void;
  dispose(): void;
}

/** One plan on one instruction set. Everything throws while a step is running, except the calls that concern a run. */
export interface AddonExecutor {
  /** Takes a plan whose arena lies in `buffer`; returns the byte offset at which it begins, on a cache line. */
  load(
    operations: Int32Array,
    batchCapacity: number,
    buffer: Uint8Array,
    arenaLength: number,
    scalars: Float64Array,
  ): number;
  /** To be called after the arena has been written to: large weights that were laid out anew are read from it again. */
  forgetPanels(): void;
  run(
    rowCount: number,
    inputs: Float32Array | Float64Array | Uint8Array,
    targets: MaybeRows,
    labels: Int32Array | null,
    ...run: RunArguments
  ): void;
  start(dataset: AddonDataset, ...run: RunArguments): Promise<number>;
  /** Returns when no step is running, until `resume`. */
  halt(): void;
  resume(): void;
  stop(): void;
  /** Writes steps done, loss, correct and rows of the last run. */
  progress(into: Float64Array): void;
  dispose(): void;
}

/** The addon, as native/addon.cc exports it. */
export interface Addon extends Draws {
  /** `name(operand, operand)`, in the order of the opcodes. */
  operations(): string[];
  /** `name(code, code)` of each enum both sides know. */
  codes(): string[];
  targets(): { readonly id: string; readonly reason: string | null }[];
  firstNonFinite(values: Float32Array | Float64Array): number;
  readonly Executor: new (target: string, threads: number, cores: number) => AddonExecutor;
  readonly Dataset: new (
    count: number,
    inputs: Float32Array | Float64Array | Uint8Array,
    targets: MaybeRows,
    labels: Int32Array | null,
    inPlace: boolean,
    later: boolean,
    last: AddonDataset | null,
  ) => AddonDataset;
}

const rebuild = 'install python3, make and a C++ compiler, then run: npm rebuild fastmlp';

/** The folder of package.json above this file, whether it is a source or part of a bundle. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

const signature = (name: string, parts: readonly string[]): string => `${name}(${parts.join(', ')})`;

/** The first place where the addon and the TypeScript side differ, or null: their plans must mean the same. */
function difference(addon: Addon): string | null {
  const enums = {
    ActivationCode,
    LossCode,
    ClipCode,
    OptimizerCode,
    OptimizerScalar,
    ReductionCode,
    DecisionCode,
    ExtentCode,
    UnaryCode,
    BinaryCode,
    RowCode,
    ScalarCode,
  };
  const expected = [
    ...operations.map(({ name, operands }) =>
      signature(
        name,
        operands.map(([operand]) => operand),
      ),
    ),
    ...Object.entries(enums).map(([name, codes]) =>
      signature(
        name,
        Object.keys(codes).filter((key) => Number.isNaN(Number(key))),
      ),
    ),
  ];
  const found = [...addon.operations(), ...addon.codes()];
  const index = expected.findIndex((entry, place) => entry !== found[place]);
  if (index >= 0) return `${found[index]} instead of ${expected[index]}`;
  return found.length === expected.length ? null : `${found.length} entries instead of ${expected.length}`;
}

/** What may have node-gyp-build look elsewhere. */
const redirections = [
  'FASTMLP_PREBUILD',
  'PREBUILDS_ONLY',
  'npm_config_arch',
  'npm_config_platform',
  'LIBC',
  'ARM_VERSION',
];

/**
 * The file that node-gyp-build finds where nothing is out of the ordinary, else undefined: node-gyp-build itself, and what
 * of Node it needs, take longer to load than the addon and all that follows.
 */
function usualPath(root: string): string | undefined {
  const { env, platform, arch } = process;
  if (redirections.some((name) => env[name])) return undefined;
  const built = join(root, 'build', 'Release', 'fastmlp_native.node');
  if (existsSync(built)) return built;
  if (existsSync(join(root, 'build'))) return undefined;
  const libc = platform !== 'linux' ? '' : existsSync('/etc/alpine-release') ? '.musl' : '.glibc';
  const prebuilt = join(root, 'prebuilds', `${platform}-${arch}`, `fastmlp${libc}.node`);
  return existsSync(prebuilt) ? prebuilt : undefined;
}

function load(): Addon | string {
  try {
    const root = packageRoot();
    let path = usualPath(root);
    if (path === undefined) {
      const nodeGypBuild: { path(root: string): string } = createRequire(import.meta.url)('node-gyp-build');
      try {
        path = nodeGypBuild.path(root);
      } catch {
        return `native addon not built: no prebuild for ${process.platform}-${process.arch}; ${rebuild}`;
      }
    }
    const module = { exports: {} };
    process.dlopen(module, path);
    const addon = module.exports as Addon;
    const differs = difference(addon);
    return differs === null ? addon : `native addon is of another version: ${differs}; ${rebuild}`;
  } catch (error) {
    const [line] = String(error instanceof Error ? error.message : error).split('\n');
    return `native addon cannot be loaded: ${line}`;
  }
}

let loaded: Addon | string | undefined;

/** The addon, or why there is none. */
export function loadAddon(): Addon | string {
  loaded ??= load();
  return loaded;
}
