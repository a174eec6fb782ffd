import { classesOf, guessTarget, numberColumns, parseTable, type Table, tableDataSet } from '../data/csv.js';
import { type DataSet, planeDataSet } from '../data/data-set.js';
import { unpackDigits } from '../data/digits.js';
import type { TableSource } from './code.js';
import { type DataName, defaultState, outputsFor, type State, taskKind, withData } from './state.js';
import { outputUnits } from './task.js';

/** Fetches the file of digits. */
export type FetchDigits = () => Promise<ArrayBuffer>;

/** How much of a run a change of the state touches. */
export type Effect = 'none' | 'adjust' | 'rebuild';

/** The state and the rows that belong to it. Every change goes through here, so that the two always fit. */
export class Session {
  #state: State = defaultState;
  #data: DataSet = planeDataSet('circles', generatedOptions(defaultState));
  #table: Table | null = null;
  #target = 0;
  #skipped = 0;
  #digits: DataSet | null = null;
  readonly #fetchDigits: FetchDigits;

  constructor(fetchDigits: FetchDigits) {
    this.#fetchDigits = fetchDigits;
  }

  get state(): State {
    return this.#state;
  }

  get data(): DataSet {
    return this.#data;
  }

  get table(): Table | null {
    return this.#table;
  }

  get target(): number {
    return this.#target;
  }

  /** Rows of the table that could not be used. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Where the code finds the rows of the table. */
  get tableSource(): TableSource | null {
    if (!this.#table || this.#state.data !== 'csv') return null;
    const { fileName, columns } = this.#table;
    const inputs = numberColumns(this.#table).filter((column) => column !== this.#target);
    return { fileName, inputs, target: this.#target, targetName: columns[this.#target] };
  }

  /** Goes back to the state and the rows of now, when it is called. */
  checkpoint(): () => void {
    const [state, data, target, skipped] = [this.#state, this.#data, this.#target, this.#skipped];
    return () => {
      [this.#state, this.#data, this.#target, this.#skipped] = [state, data, target, skipped];
    };
  }

  /** Takes a whole state, as from an address or a file. */
  async open(state: State): Promise<void> {
    this.#data = await this.#dataFor(state);
    this.#state = state;
  }

  /** Another data set, with the network and rates that suit it. */
  async choose(name: DataName): Promise<void> {
    const drawn = name === 'drawn' ? this.#state.drawn : [];
    const wanted = withData({ ...this.#state, drawn }, name, null);
    const data = await this.#dataFor(wanted);
    this.#state = { ...wanted, ...outputsFor(data.classes?.length ?? null) };
    this.#data = data;
  }

  /** Changes some settings; what has to follow them follows. */
  async change(patch: Partial<State>): Promise<Effect> {
    const keys = (Object.keys(patch) as (keyof State)[]).filter((key) => patch[key] !== this.#state[key]);
    if (keys.length === 0) return 'none';
    const next = { ...this.#state, ...patch };
    const dataKeys: readonly (keyof State)[] = ['count', 'noise', 'dataSeed', 'testShare', 'drawn'];
    const data = keys.some((key) => dataKeys.includes(key)) ? await this.#dataFor(next) : this.#data;
    const before = this.#data.classes?.length ?? null;
    const after = data.classes?.length ?? null;
    const outputs = before === after ? {} : outputsFor(after);
    this.#state = { ...next, ...outputs };
    this.#data = data;
    if (keys.every((key) => key === 'learningRate' || key === 'batchSize')) return 'adjust';
    const sameShape = before === after && outputUnits(next, before) === outputUnits(this.#state, after);
    if (keys.every((key) => key === 'drawn') && sameShape && next.scaling === 'none') return 'adjust';
    return 'rebuild';
  }

  /**
   * A table somebody gave.
   *
   * @throws Error with a message for the user; the data before stay
   */
  async openTable(text: string, fileName: string): Promise<void> {
    const table = parseTable(text, fileName);
    await this.#useTable(table, guessTarget(table));
  }

  /** Another column to predict. */
  async chooseTarget(target: number): Promise<void> {
    if (this.#table) await this.#useTable(this.#table, target);
  }

  async #useTable(table: Table, target: number): Promise<void> {
    const classes = classesOf(table, target);
    const next = withData({ ...this.#state, drawn: [] }, 'csv', classes?.length ?? null);
    const { dataSet, skipped } = tableDataSet(table, target, next.testShare, next.dataSeed);
    this.#table = table;
    this.#target = target;
    this.#skipped = skipped;
    this.#state = next;
    this.#data = dataSet;
  }

  async #dataFor(state: State): Promise<DataSet> {
    const { data } = state;
    if (data === 'digits') {
      this.#digits ??= unpackDigits(await this.#fetchDigits());
      return this.#digits;
    }
    if (data === 'csv') {
      if (!this.#table) throw new Error('A link does not hold the table: drop its CSV file on the page.');
      const { dataSet, skipped } = tableDataSet(this.#table, this.#target, state.testShare, state.dataSeed);
      this.#skipped = skipped;
      return dataSet;
    }
    return planeDataSet(data, generatedOptions(state));
  }
}

const generatedOptions = ({ count, noise, dataSeed, testShare, drawn }: State) => ({
  count,
  noise,
  seed: dataSeed,
  testShare,
  drawn,
});

/** Whether points can be drawn on the plane of a data set. */
export const canDraw = (data: DataName): boolean => taskKind(data) === 'plane' || taskKind(data) === 'curve';
