import { ScalarCode } from '../../opcodes.js';
import { OPERATION_STRIDE } from '../../plan/encoding.js';
import { operationOf } from '../../plan/known-operations.js';
import type { Plan, Program } from '../../plan/plan.js';
import { type Dataset, type Executor, type Rows, type Run, stepsPerEpoch } from '../backend.js';
import { firstNonFinite } from '../finite.js';
import { startSliced } from '../sliced-run.js';
import { type Batch, kernels } from './kernels.js';

type Step = (batch: Batch) => void;

interface ReferenceDataset extends Dataset {
  readonly rows: Rows;
}

/** Executes plans in float64, one operation after the other as it is defined. */
export class ReferenceExecutor implements Executor {
  readonly scalars: Float64Array;
  #arena = new Float64Array(0);
  #steps: Step[] = [];

  constructor(plan: Plan) {
    this.scalars = Float64Array.from(plan.scalars, ({ initial }) => initial);
    this.load(plan);
  }

  load(plan: Plan): void {
    const arena = new Float64Array(plan.arenaLength);
    arena.set(this.#arena.subarray(0, plan.persistentLength));
    this.#arena = arena;
    this.#steps = Array.from({ length: plan.operations.length / OPERATION_STRIDE }, (_, index) => {
      const words = plan.operations.subarray(index * OPERATION_STRIDE, (index + 1) * OPERATION_STRIDE);
      const { name, operands } = operationOf(words[0]);
      const kernel = kernels[name];
      const named = Object.fromEntries(operands.map(([name], position) => [name, words[position + 1]]));
      return (batch) => kernel(batch, named);
    });
  }

  read(offset: number, length: number): Float64Array {
    return this.#arena.slice(offset, offset + length);
  }

  view(offset: number, length: number): Float64Array {
    return this.#arena.subarray(offset, offset + length);
  }

  write(offset: number, values: ArrayLike<number>): void {
    this.#arena.set(values, offset);
  }

  firstNonFinite(values: Float32Array | Float64Array): number {
    return firstNonFinite(values);
  }

  createDataset(rows: Rows): ReferenceDataset {
    const { inputs, targets, labels, shared } = rows;
    const kept = shared
      ? rows
      : {
          ...rows,
          inputs: inputs.slice(),
          targets: targets?.slice() ?? null,
          labels: labels?.slice() ?? null,
        };
    return { count: rows.count, rows: kept, dispose: () => {} };
  }

  run(rows: Rows, run: Run): void {
    this.#runSteps(rows, run, run.firstStep, run.steps);
  }

  start(dataset: Dataset, run: Run) {
    const { rows } = dataset as ReferenceDataset;
    return startSliced(
      run,
      () => this.scalars,
      (firstStep, steps) => this.#runSteps(rows, run, firstStep, steps),
    );
  }

  dispose(): void {
    this.#arena = new Float64Array(0);
    this.#steps = [];
  }

  #runSteps({ inputs, targets, labels }: Rows, run: Run, firstStep: number, steps: number): void {
    const { order, rowsPerEpoch, batchSize, metrics, accumulation, rates, result } = run;
    const epochSteps = stepsPerEpoch(run);
    const stepsOf = ({ begin, end }: Program): Step[] => this.#steps.slice(begin, end);
    const operations = stepsOf(run.program);
    const more = accumulation ? stepsOf(accumulation.more) : operations;
    const update = accumulation ? stepsOf(accumulation.update) : [];
    for (let step = firstStep; step < firstStep + steps; step++) {
      const epoch = Math.floor(step / epochSteps);
      const position = (step % epochSteps) * batchSize;
      const first = epoch * rowsPerEpoch + position;
      const batch: Batch = {
        arena: this.#arena,
        scalars: this.scalars,
        rows: Math.min(batchSize, rowsPerEpoch - position),
        position,
        source: (r) => (order ? order[first + r] : position + r),
        inputs,
        targets,
        labels,
        result,
      };
      if (rates) this.scalars[rates.scalar] = rates.values[step];
      const place = (step % epochSteps) % (accumulation?.every ?? 1);
      for (const operation of place === 0 ? operations : more) operation(batch);
      const ends = (step + 1) % epochSteps === 0;
      if (accumulation && (ends || place === accumulation.every - 1)) {
        for (const operation of update) operation(batch);
      }
      if (ends) {
        const running = this.scalars.subarray(0, ScalarCode.first_free);
        metrics.set(running, epoch * ScalarCode.first_free);
        running.fill(0);
      }
    }
  }
}
