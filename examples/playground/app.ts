import type { Trainer } from 'fastmlp';
import type { DrawnPoint } from './data/data-set.js';
import { fetchDigits } from './data/fetch-digits.js';
import { programFor } from './model/code.js';
import { modelToBytes, stateOfModel, trainerOfModel } from './model/model-file.js';
import { type Pace, Runner } from './model/runner.js';
import { canDraw, Session } from './model/session.js';
import { type DataName, limits, type State } from './model/state.js';
import { snapped, stateFromHash, stateToHash } from './model/url-state.js';
import { Curves } from './ui/curves.js';
import { DataPanel } from './ui/data-panel.js';
import { Diagram } from './ui/diagram.js';
import { DigitPanel } from './ui/digit-panel.js';
import { byId } from './ui/dom.js';
import { Inspector } from './ui/inspector.js';
import { LayersEditor } from './ui/layers-editor.js';
import { fillLegend } from './ui/legend.js';
import { showMessage } from './ui/message.js';
import { Plane } from './ui/plane.js';
import type { Sample } from './ui/plane-painter.js';
import { showStatistics } from './ui/statistics.js';
import { TrainingPanel } from './ui/training-panel.js';
import { viewOf } from './ui/view.js';

/** Fifteen pictures of the plane a second, five of everything else, one thing at a time. */
const TICK_MS = 33;

/** Ties session, runner and panels together. */
export class App {
  readonly #session = new Session(fetchDigits);
  readonly #runner: Runner;
  readonly #plane: Plane;
  readonly #diagram: Diagram;
  readonly #inspector: Inspector;
  readonly #digits: DigitPanel;
  readonly #loss = new Curves(byId('loss-curve'), null);
  readonly #accuracy = new Curves(byId('accuracy-curve'), [0, 1.03]);
  readonly #dataPanel: DataPanel;
  readonly #trainingPanel: TrainingPanel;
  readonly #layers: LayersEditor;
  #axes: readonly [number, number] = [0, 1];
  #turn = 0;
  #isDrawingDue = false;
  /** Changes of settings happen one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor() {
    const changed = (patch: Partial<State>): void => {
      void this.#queued(() => this.#change(patch));
    };
    this.#plane = new Plane({
      drawn: (x, y, label) => this.#addPoint({ x, y, label }),
      erased: (x, y) => this.#erase(x, y),
      chosen: (sample) => this.#choose(sample),
    });
    this.#diagram = new Diagram((layer, unit) => {
      if (this.#plane.view?.kind === 'classes') this.#plane.show(layer, unit);
      this.#diagram.draw(this.#plane.shows);
    });
    this.#inspector = new Inspector((sample) => this.#choose(sample));
    this.#digits = new DigitPanel(
      () => this.#drawSoon(),
      (row) => this.#choose({ part: 'test', row }),
    );
    this.#dataPanel = new DataPanel({
      changed,
      chosen: (data) => this.#chooseData(data),
      fileGiven: (file) => void this.#queued(() => this.#openTable(file)),
      targetChosen: (target) => void this.#queued(() => this.#chooseTarget(target)),
      axesChosen: (axes) => {
        this.#axes = axes;
        this.#showNetwork();
      },
    });
    this.#trainingPanel = new TrainingPanel(changed);
    this.#layers = new LayersEditor(changed);
    this.#runner = new Runner(
      this.#session.state,
      this.#session.data,
      () => this.#noteChange(),
      (error) => showMessage(error.message, true),
    );
    new ResizeObserver(() => this.#drawSoon()).observe(byId('diagram'));
    new ResizeObserver(() => this.#drawSoon()).observe(byId('plane'));
    window.setInterval(() => this.#tick(), TICK_MS);
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

  set pace(pace: Pace) {
    this.#runner.pace = pace;
  }

  step(): Promise<void> {
    return this.#queued(async () => {
      this.#plane.mark(await this.#runner.stepBatch());
      this.#drawSoon();
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
    this.#loss.rebuild();
    this.#accuracy.rebuild();
    if (this.#plane.view) fillLegend(byId('legend'), this.#session.data, this.#plane.view);
    this.#drawSoon();
  }

  set isLogarithmic(value: boolean) {
    this.#loss.isLogarithmic = value;
    this.#drawSoon();
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
      this.#axes = [0, 1];
      await this.#rebuild();
    });
  }

  async #openTable(file: File): Promise<void> {
    await this.#session.openTable(await file.text(), file.name);
    this.#axes = [0, 1];
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
    this.#runner.adjust(this.#session.state);
    if (effect === 'rows') this.#runner.setData(this.#session.data);
    this.#showSettings();
    this.#showNetwork();
  }

  /** A network from the seed for the state as it is; goes on training if it was. */
  async #rebuild(create?: () => Promise<Trainer>): Promise<void> {
    const wasPlaying = this.#runner.isPlaying;
    this.#showSettings();
    await this.#runner.build(this.#session.state, this.#session.data, create);
    this.#showNetwork();
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
    byId<HTMLSelectElement>('pace').disabled = data.imageSize !== null;
    byId('accuracy-head').hidden = data.classes === null;
    byId('accuracy-curve').hidden = data.classes === null;
    history.replaceState(null, '', `#${stateToHash(state)}`);
  }

  /** After another network or other rows: everything that shows them. */
  #showNetwork(): void {
    const { state, data } = this.#session;
    const { trainer } = this.#runner;
    const axes: readonly [number, number] =
      data.columns.length > Math.max(...this.#axes) ? this.#axes : [0, 1];
    const view = viewOf(data, axes, canDraw(state.data));
    byId('plane-panel').hidden = view.kind === 'digits';
    byId('digit-panel').hidden = view.kind !== 'digits';
    this.#plane.set(this.#runner, view, canDraw(state.data));
    this.#diagram.set(this.#runner, view);
    this.#digits.set(this.#runner);
    this.#plane.select(this.#inspector.choose(this.#inspector.sample, this.#runner));
    fillLegend(byId('legend'), data, view);
    byId('parameter-count').textContent = trainer
      ? `${trainer.parameterCount.toLocaleString('en')} parameters`
      : '';
    this.#showCode();
    this.#noteChange();
  }

  #showCode(): void {
    const { state, data, tableSource } = this.#session;
    const epochs = Math.max(1, Math.ceil(this.#runner.epoch));
    byId('code').textContent = programFor({
      state,
      data,
      table: tableSource,
      epochs: this.#runner.epoch === 0 ? 100 : epochs,
    });
  }

  #choose(sample: Sample): void {
    this.#plane.select(this.#inspector.choose(sample, this.#runner));
    this.#drawSoon();
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

  #noteChange(): void {
    const button = byId('play');
    const { isPlaying } = this.#runner;
    if (button.textContent !== (isPlaying ? 'Pause' : 'Play')) {
      button.textContent = isPlaying ? 'Pause' : 'Play';
      if (isPlaying) this.#plane.mark([]);
      else this.#showCode();
      if (!isPlaying && this.#session.data.imageSize !== null) void this.#digits.findWrong();
    }
    if (!isPlaying) this.#drawSoon();
  }

  #drawSoon(): void {
    if (this.#isDrawingDue) return;
    this.#isDrawingDue = true;
    requestAnimationFrame(() => {
      this.#isDrawingDue = false;
      for (const draw of this.#drawings) draw();
    });
  }

  get #drawings(): readonly (() => void)[] {
    return [
      () => this.#drawResult(),
      () => this.#drawCurves(),
      () => this.#drawDiagram(),
      () => this.#drawInspector(),
    ];
  }

  #tick(): void {
    if (!this.#runner.isPlaying || document.hidden) return;
    const [result, curves, diagram, inspector] = this.#drawings;
    const turns = [result, curves, result, diagram, result, inspector];
    turns[this.#turn++ % turns.length]();
  }

  #drawResult(): void {
    if (this.#session.data.imageSize !== null) this.#digits.draw();
    else this.#plane.draw();
    showStatistics(this.#runner);
  }

  #drawCurves(): void {
    const { points } = this.#runner.history;
    this.#loss.draw(points, 'loss', 'testLoss');
    this.#accuracy.draw(points, 'accuracy', 'testAccuracy');
  }

  #drawDiagram(): void {
    if (this.#session.data.imageSize !== null) this.#diagram.digit = this.#digits.pixels;
    this.#diagram.draw(this.#plane.shows);
  }

  #drawInspector(): void {
    this.#inspector.draw(this.#runner);
  }
}
