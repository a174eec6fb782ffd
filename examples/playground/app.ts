import type { Trainer } from 'fastmlp';
import type { DrawnPoint } from './data/data-set.js';
import { fetchDigits } from './data/fetch-digits.js';
import { modelToBytes, stateOfModel, trainerOfModel } from './model/model-file.js';
import { Runner } from './model/runner.js';
import { Session } from './model/session.js';
import { type DataName, limits, type State } from './model/state.js';
import type { Pace } from './model/tempo.js';
import { snapped, stateFromHash, stateToHash } from './model/url-state.js';
import { DataPanel } from './ui/data-panel.js';
import { byId } from './ui/dom.js';
import { LayersEditor } from './ui/layers-editor.js';
import { showMessage } from './ui/message.js';
import { Stage } from './ui/stage.js';
import { TrainingPanel } from './ui/training-panel.js';

/** Ties session, runner and panels together. */
export class App {
  readonly #session = new Session(fetchDigits);
  readonly #runner: Runner;
  readonly #stage: Stage;
  readonly #dataPanel: DataPanel;
  readonly #trainingPanel: TrainingPanel;
  readonly #layers: LayersEditor;
  /** Changes of settings happen one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor() {
    const changed = (patch: Partial<State>): void => {
      void this.#queued(() => this.#change(patch));
    };
    this.#runner = new Runner(
      this.#session.state,
      this.#session.data,
      () => this.#stage.noteChange(),
      (error) => showMessage(error.message, true),
    );
    this.#stage = new Stage(this.#session, this.#runner, {
      drawn: (point) => this.#addPoint(point),
      erased: (x, y) => this.#erase(x, y),
    });
    this.#dataPanel = new DataPanel({
      changed,
      chosen: (data) => this.#chooseData(data),
      fileGiven: (file) => void this.#queued(() => this.#openTable(file)),
      targetChosen: (target) => void this.#queued(() => this.#chooseTarget(target)),
      axesChosen: (axes) => {
        this.#stage.axes = axes;
        this.#stage.showNetwork();
      },
    });
    this.#trainingPanel = new TrainingPanel(changed);
    this.#layers = new LayersEditor(changed);
  }

  /** Opens what the address of the page describes. */
  start(): Promise<void> {
    return this.#queued(async () => {
      const { state, problems } = stateFromHash(location.hash);
      try {
        await this.#session.open(state);
      } catch (error) {
        showMessage((error as Error).message, true);
        if (state.data === 'csv') this.#dataPanel.askForTable();
      }
      if (problems.length > 0) showMessage(`Left out of the address: ${problems.join('; ')}`, true);
      await this.#rebuild();
    });
  }

  toggle(): void {
    if (this.#runner.isPlaying) void this.#runner.pause();
    else this.#runner.play();
  }

  setPace(pace: Pace): Promise<void> {
    return this.#queued(() => this.#runner.setPace(pace));
  }

  step(): Promise<void> {
    return this.#queued(async () => {
      this.#stage.mark(await this.#runner.stepBatch());
      this.#stage.drawSoon();
    });
  }

  reset(): Promise<void> {
    return this.#queued(async () => {
      await this.#runner.pause();
      await this.#rebuild();
    });
  }

  setSeed(seed: number): void {
    if (Number.isInteger(seed) && seed >= 0 && seed <= limits.seed)
      void this.#queued(() => this.#change({ seed }));
  }

  newSeed(): void {
    this.setSeed((this.#session.state.seed + 1) % limits.seed);
  }

  /** The address that opens this state. */
  get link(): string {
    return `${location.origin}${location.pathname}#${stateToHash(this.#session.state)}`;
  }

  /** The model as a file; null before there is one. */
  get modelFile(): Uint8Array<ArrayBuffer> | null {
    const { trainer } = this.#runner;
    return trainer ? new Uint8Array(modelToBytes(trainer, this.#session.state)) : null;
  }

  loadModel(file: Blob): Promise<void> {
    return this.#queued(async () => {
      const bytes = new Uint8Array(await file.arrayBuffer());
      const state = stateOfModel(bytes);
      const goBack = this.#session.checkpoint();
      await this.#session.open(state);
      try {
        await this.#runner.pause();
        await this.#rebuild(() => trainerOfModel(bytes, state));
      } catch (error) {
        goBack();
        throw error;
      }
      showMessage('The model is loaded.');
    });
  }

  /** All colours anew. */
  repaint(): void {
    this.#dataPanel.drawTiles();
    this.#stage.repaint();
  }

  set isLogarithmic(value: boolean) {
    this.#stage.isLogarithmic = value;
  }

  #queued(body: () => Promise<unknown>): Promise<void> {
    const done = this.#queue.then(body).then(
      () => undefined,
      (error: Error) => {
        showMessage(error.message, true);
        this.#showSettings();
      },
    );
    this.#queue = done;
    return done;
  }

  #chooseData(data: DataName): void {
    if (data === 'csv' && !this.#session.table) {
      this.#dataPanel.askForTable();
      return;
    }
    void this.#queued(async () => {
      if (data === 'digits') this.#dataPanel.hint('Loading the digits …');
      await this.#session.choose(data);
      this.#stage.axes = [0, 1];
      await this.#rebuild();
    });
  }

  async #openTable(file: File): Promise<void> {
    await this.#session.openTable(await file.text(), file.name);
    this.#stage.axes = [0, 1];
    await this.#rebuild();
  }

  async #chooseTarget(target: number): Promise<void> {
    await this.#session.chooseTarget(target);
    await this.#rebuild();
  }

  async #change(patch: Partial<State>): Promise<void> {
    const goBack = this.#session.checkpoint();
    const effect = await this.#session.change(patch);
    if (effect === 'none') return;
    if (effect === 'rebuild') {
      // What the library refuses, such as a loss that needs another output layer, is not kept.
      return this.#rebuild().catch((error: Error) => {
        goBack();
        throw error;
      });
    }
    await this.#runner.adjust(this.#session.state, this.#session.data);
    this.#showSettings();
    this.#stage.showNetwork();
  }

  /** A network from the seed for the state as it is; goes on training if it was. */
  async #rebuild(create?: () => Promise<Trainer>): Promise<void> {
    const wasPlaying = this.#runner.isPlaying;
    this.#showSettings();
    await this.#runner.build(this.#session.state, this.#session.data, create);
    this.#stage.showNetwork();
    if (wasPlaying && this.#session.data.train.count > 0) this.#runner.play();
  }

  #showSettings(): void {
    const { state, data, table, target, skipped } = this.#session;
    this.#dataPanel.show(state, data);
    if (table) this.#dataPanel.showTable(table.columns, target);
    if (state.data === 'csv' && table) {
      const task = data.classes ? `${data.classes.length} classes` : 'a number';
      const rows = `${data.train.count} rows to train on${data.test ? `, ${data.test.count} to test` : ''}`;
      const left = skipped > 0 ? `; ${skipped} rows left out for missing cells` : '';
      this.#dataPanel.hint(`${table.fileName}: ${data.columns.length} inputs, ${task}, ${rows}${left}.`);
    }
    this.#trainingPanel.show(state, data);
    this.#layers.show(state, data);
    byId<HTMLInputElement>('seed').value = `${state.seed}`;
    const pace = byId<HTMLSelectElement>('pace');
    pace.disabled = data.imageSize !== null;
    pace.value = `${pace.disabled ? 'full' : this.#runner.pace}`;
    byId('accuracy-head').hidden = data.classes === null;
    byId('accuracy-curve').hidden = data.classes === null;
    history.replaceState(null, '', `#${stateToHash(state)}`);
  }

  #addPoint(point: DrawnPoint): void {
    const { drawn } = this.#session.state;
    if (drawn.length >= limits.drawn) showMessage(`At most ${limits.drawn} points can be drawn.`, true);
    else void this.#queued(() => this.#change({ drawn: [...this.#session.state.drawn, snapped(point)] }));
  }

  /** Takes away the drawn point nearest to a place. */
  #erase(x: number, y: number): void {
    void this.#queued(async () => {
      const { drawn } = this.#session.state;
      const distances = drawn.map((point) => Math.hypot(point.x - x, point.y - y));
      const nearest = distances.indexOf(Math.min(...distances));
      if (nearest < 0 || distances[nearest] > 0.15) return showMessage('Only points you drew can be erased.');
      return this.#change({ drawn: drawn.filter((_, index) => index !== nearest) });
    });
  }
}
