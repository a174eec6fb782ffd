import type { Backend, Executor, Rows, Run } from '../../src/backends/backend.js';
import { ReferenceExecutor } from '../../src/backends/reference/executor.js';
import { loadFurther } from '../../src/further.js';
import { Opcode, ScalarCode } from '../../src/opcodes.js';
import { OPERATION_STRIDE } from '../../src/plan/encoding.js';
import { placeKindsOf } from '../../src/plan/known-operations.js';
import { operations } from '../../src/plan/operations.js';
import type { Plan } from '../../src/plan/plan.js';
import { Random } from '../../src/random.js';
import { isClose } from './tolerances.js';

await loadFurther();

/** An operand that is a buffer: how many elements, what it holds before, and whether the operation writes it. */
export interface BufferOperand {
  readonly size: number;
  /** Draws an element; absent for buffers that are only written. */
  readonly draw?: (random: Random, index: number) => number;
  readonly written?: { readonly tolerance: number; readonly scale?: number };
}

/** One operation with its operands, run once on a batch. */
export interface OperationCase {
  readonly name: keyof typeof Opcode;
  readonly rows: number;
  readonly operands: Readonly<Record<string, BufferOperand | number>>;
  readonly scalars?: readonly number[];
  readonly data?: Partial<Rows>;
  readonly order?: Uint32Array;
  /** Rows of `data`, where they are not those of the batch. */
  readonly dataRows?: number;
  readonly resultLength?: number;
  readonly scalarTolerance?: number;
  readonly seed: number;
}

/** Elements of poison around every operand: reading them spoils a result, writing them is seen. */
const MOAT = 3;

interface Placed {
  readonly name: string;
  readonly offset: number;
  readonly operand: BufferOperand;
}

/** A plan of one operation, with `operands` in their order. */
export function planOf(
  name: keyof typeof Opcode,
  operands: readonly number[],
  batchCapacity: number,
  arenaLength: number,
  hyperparameters: readonly number[] = [],
): Plan {
  const encoded = new Int32Array(OPERATION_STRIDE);
  encoded.set([Opcode[name], ...operands]);
  return {
    operations: encoded,
    placeKinds: placeKindsOf(encoded),
    programs: { predict: { begin: 0, end: 1 } },
    buffers: [],
    scalars: [0, 0, 0, ...hyperparameters].map((value, index) => ({ name: `s${index}`, initial: value })),
    batchCapacity,
    arenaLength,
    persistentLength: arenaLength,
    gradients: { offset: 0, length: 0 },
    learningRate: -1,
  };
}

/** Lays the operands out with poison between them, the last one at the very end of the arena. */
function place(test: OperationCase): { plan: Plan; placed: Placed[]; initial: Float32Array } {
  const { operands: expected } = operations[Opcode[test.name]];
  const random = new Random(test.seed);
  const placed: Placed[] = [];
  let length = MOAT;
  const words = expected.map(([name]) => {
    const operand = test.operands[name];
    if (operand === undefined) throw new Error(`${test.name}: operand ${name} is missing`);
    if (typeof operand === 'number') return operand;
    const offset = length;
    placed.push({ name, offset, operand });
    length += operand.size + MOAT;
    return offset;
  });
  const arenaLength = length - MOAT;
  const initial = new Float32Array(arenaLength).fill(Number.NaN);
  for (const { offset, operand } of placed) {
    for (let index = 0; index < operand.size; index++) {
      if (operand.draw) initial[offset + index] = operand.draw(random, index);
    }
  }
  const plan = planOf(test.name, words, test.rows, arenaLength, test.scalars);
  return { plan, placed, initial };
}

interface Outcome {
  readonly arena: Float32Array | Float64Array;
  readonly scalars: Float64Array;
  readonly metrics: Float64Array;
  readonly result: Float32Array | Float64Array | null;
}

function execute(
  executor: Executor,
  plan: Plan,
  initial: Float32Array,
  test: OperationCase,
  float64: boolean,
): Outcome {
  executor.write(0, initial);
  const metrics = new Float64Array(ScalarCode.first_free);
  const resultLength = test.resultLength ?? 0;
  const result =
    resultLength === 0 ? null : float64 ? new Float64Array(resultLength) : new Float32Array(resultLength);
  const run: Run = {
    program: { begin: 0, end: 1 },
    rowsPerEpoch: test.rows,
    batchSize: test.rows,
    firstStep: 0,
    steps: 1,
    order: test.order ?? null,
    metrics,
    result,
  };
  const inputs = test.data?.inputs ?? new Float32Array(test.rows);
  const rows: Rows = {
    targets: null,
    labels: null,
    shared: false,
    ...test.data,
    count: test.dataRows ?? test.rows,
    inputs,
  };
  executor.run(rows, run);
  return { arena: executor.read(0, plan.arenaLength), scalars: executor.scalars.slice(), metrics, result };
}

/** What is wrong with the backend's outcome, or null. Names the first bad place, both values, and the seed. */
export async function judge(backend: Backend, test: OperationCase): Promise<string | null> {
  const { plan, placed, initial } = place(test);
  const wanted = execute(new ReferenceExecutor(plan), plan, initial, test, true);
  const executor = await backend.createExecutor(plan, 1);
  try {
    const got = execute(executor, plan, initial, test, backend.precision === 'float64');
    return compare(test, placed, initial, got, wanted);
  } finally {
    executor.dispose();
  }
}

function compare(
  test: OperationCase,
  placed: readonly Placed[],
  initial: Float32Array,
  got: Outcome,
  wanted: Outcome,
): string | null {
  const where = `${test.name} rows=${test.rows} ${JSON.stringify(test.operands, (_, value) =>
    typeof value === 'object' && value !== null && 'size' in value ? value.size : value,
  )} seed=${test.seed}`;
  const complain = (what: string, index: number, a: number, b: number): string =>
    `${where}: ${what}[${index}] is ${a}, reference ${b}`;
  const owner = new Array<Placed | undefined>(initial.length);
  for (const one of placed) owner.fill(one, one.offset, one.offset + one.operand.size);
  for (let index = 0; index < initial.length; index++) {
    const { operand, name = 'moat', offset = 0 } = owner[index] ?? {};
    if (!operand?.written) {
      if (!Object.is(got.arena[index], initial[index]))
        return complain(`${name} written`, index - offset, got.arena[index], initial[index]);
      continue;
    }
    const { tolerance, scale = 0 } = operand.written;
    if (!isClose(got.arena[index], wanted.arena[index], tolerance, scale)) {
      return complain(name, index - offset, got.arena[index], wanted.arena[index]);
    }
  }
  const allowed = test.scalarTolerance ?? 0;
  for (const key of ['metrics', 'scalars', 'result'] as const) {
    for (let index = 0; index < (wanted[key]?.length ?? 0); index++) {
      const [a, b] = [got[key]?.[index] ?? Number.NaN, wanted[key]?.[index] ?? Number.NaN];
      if (!isClose(a, b, allowed, 1)) return complain(key, index, a, b);
    }
  }
  return null;
}
