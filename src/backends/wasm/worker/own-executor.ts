import type { Dataset, Run, RunHandle, RunProgress } from '../../backend.js';
import { createMemory, instantiate } from '../module.js';
import { PlanExecutor } from '../plan-executor.js';
import type { State, ToWorker } from './messages.js';
import type { Answer } from './serve.js';

/** How often the caller hears of a run, and how often it gets what has been computed. */
const PROGRESS_MS = 25;
const STATE_MS = 100;

type Message<Kind extends ToWorker['kind']> = Extract<ToWorker, { kind: Kind }>;

/** The executor of a worker that shares no memory with its caller. It hears the caller between two slices of a run. */
export class OwnExecutor {
  readonly #executor: PlanExecutor;
  readonly #answer: Answer;
  readonly #datasets = new Map<number, Dataset>();
  #plan: Message<'own'>['plan'];
  #handle: RunHandle | null = null;
  #sequence = 0;

  private constructor(executor: PlanExecutor, plan: Message<'own'>['plan'], answer: Answer) {
    this.#executor = executor;
    this.#plan = plan;
    this.#answer = answer;
  }

  static async create({ module, plan, datasetBudget }: Message<'own'>, answer: Answer): Promise<OwnExecutor> {
    const instance = await instantiate(module, createMemory(false));
    return new OwnExecutor(new PlanExecutor(instance, plan, datasetBudget), plan, answer);
  }

  async receive(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case 'dataset':
        this.#datasets.set(message.id, this.#executor.createDataset(message.rows));
        break;
      case 'forget':
        this.#datasets.get(message.id)?.dispose();
        this.#datasets.delete(message.id);
        break;
      case 'start':
        await this.#start(message);
        break;
      case 'change':
        this.#change(message);
        break;
      case 'stop':
        this.#handle?.stop();
        break;
    }
  }

  async #start({ dataset, run: sent, plan, state }: Message<'start'>): Promise<void> {
    const executor = this.#executor;
    const { metricsLength, resultLength, ...rest } = sent;
    const run: Run = {
      ...rest,
      metrics: new Float64Array(metricsLength),
      result: resultLength === null ? null : new Float32Array(resultLength),
    };
    this.#plan = plan;
    executor.load(plan);
    executor.write(0, state.arena);
    executor.scalars.set(state.scalars);
    this.#sequence = state.sequence;
    let told = performance.now();
    let sentState = told;
    this.#handle = executor.start(this.#datasets.get(dataset) as Dataset, run, (progress) => {
      const now = performance.now();
      if (now - told < PROGRESS_MS) return;
      told = now;
      const isStateDue = now - sentState >= STATE_MS;
      if (isStateDue) sentState = now;
      const current = isStateDue ? this.#state(plan.persistentLength) : null;
      this.#answer({ kind: 'progress', progress, state: current }, transferOf(current));
    });
    await this.#handle.finished;
    this.#end(this.#handle.progress(), run);
    this.#handle = null;
  }

  #change({ change: { sequence, writes, scalars } }: Message<'change'>): void {
    for (const { offset, values } of writes) this.#executor.write(offset, values);
    for (const [index, value] of scalars) this.#executor.scalars[index] = value;
    this.#sequence = sequence;
  }

  #end(progress: RunProgress, { metrics, result }: Run): void {
    const { gradients, persistentLength } = this.#plan;
    const state = this.#state(Math.max(persistentLength, gradients.offset + gradients.length));
    const numbers = result as Float32Array<ArrayBuffer> | null;
    this.#answer(
      { kind: 'ended', progress, state, metrics, result: numbers },
      transferOf(state).concat(numbers ? [numbers.buffer] : []),
    );
  }

  #state(length: number): State {
    const { scalars } = this.#executor;
    return { sequence: this.#sequence, arena: this.#executor.read(0, length), scalars: scalars.slice() };
  }
}

const transferOf = (state: State | null): Transferable[] =>
  state ? [state.arena.buffer as ArrayBuffer] : [];
