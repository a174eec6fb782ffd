import type { DrawnPoint } from '../data/data-set.js';
import { programFor } from '../model/code.js';
import type { Runner } from '../model/runner.js';
import { canDraw, type Session } from '../model/session.js';
import { Curves } from './curves.js';
import { Diagram } from './diagram.js';
import { DigitPanel } from './digit-panel.js';
import { byId } from './dom.js';
import { Inspector } from './inspector.js';
import { fillLegend } from './legend.js';
import { Plane } from './plane.js';
import type { Sample } from './plane-painter.js';
import { showStatistics } from './statistics.js';
import { viewOf } from './view.js';

/** Fifteen pictures of the plane a second, five of everything else, one thing at a time. */
const TICK_MS = 33;

/** What somebody does to the points of the plane. */
export interface StageEvents {
  drawn(point: DrawnPoint): void;
  erased(x: number, y: number): void;
}

/** Everything that shows the network and how it learns: what is drawn, and when. */
export class Stage {
  readonly #session: Session;
  readonly #runner: Runner;
  readonly #plane: Plane;
  readonly #diagram: Diagram;
  readonly #inspector: Inspector;
  readonly #digits: DigitPanel;
  readonly #loss = new Curves(byId('loss-curve'), null);
  readonly #accuracy = new Curves(byId('accuracy-curve'), [0, 1.03]);
  #axes: readonly [number, number] = [0, 1];
  #turn = 0;
  /** What is to be drawn, in this order, one thing a frame. */
  readonly #due = new Set<number>();
  #isDueSoon = false;
  #isDrawing = false;
  #wasPlaying = false;

  constructor(session: Session, runner: Runner, { drawn, erased }: StageEvents) {
    this.#session = session;
    this.#runner = runner;
    this.#plane = new Plane({
      drawn: (x, y, label) => drawn({ x, y, label }),
      erased,
      chosen: (sample) => this.#choose(sample),
    });
    this.#diagram = new Diagram((layer, unit) => {
      if (this.#plane.view?.kind === 'classes') this.#plane.show(layer, unit);
      this.#diagram.draw(this.#plane.shows);
    });
    this.#inspector = new Inspector((sample) => this.#choose(sample));
    this.#digits = new DigitPanel(
      () => this.drawSoon(),
      (row) => this.#choose({ part: 'test', row }),
    );
    new ResizeObserver(() => this.drawSoon()).observe(byId('diagram'));
    new ResizeObserver(() => this.drawSoon()).observe(byId('plane'));
    window.setInterval(() => this.#tick(), TICK_MS);
  }

  /** The two inputs that span the plane. */
  set axes(axes: readonly [number, number]) {
    this.#axes = axes;
  }

  set isLogarithmic(value: boolean) {
    this.#loss.isLogarithmic = value;
    this.drawSoon();
  }

  /** After another network or other rows: everything that shows them. */
  showNetwork(): void {
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
    this.noteChange();
  }

  /** After a step, a point of the curves, or when training begins or rests. */
  noteChange(): void {
    const { isPlaying } = this.#runner;
    if (isPlaying !== this.#wasPlaying) {
      this.#wasPlaying = isPlaying;
      byId('play').textContent = isPlaying ? 'Pause' : 'Play';
      if (isPlaying) this.mark([]);
      else this.#showCode();
      if (!isPlaying && this.#session.data.imageSize !== null) void this.#digits.findWrong();
    }
    if (!isPlaying) this.drawSoon();
  }

  /** Marks the rows of a batch on the plane. */
  mark(rows: Iterable<number>): void {
    this.#plane.mark(rows);
  }

  /** All colours anew. */
  repaint(): void {
    this.#loss.rebuild();
    this.#accuracy.rebuild();
    if (this.#plane.view) fillLegend(byId('legend'), this.#session.data, this.#plane.view);
    this.drawSoon();
  }

  /** Draws everything, one thing a frame. */
  drawSoon(): void {
    for (const index of this.#drawings.keys()) this.#due.add(index);
    if (!this.#isDueSoon) this.#nextFrame();
  }

  get #drawings(): readonly (() => void)[] {
    return [
      () => this.#drawResult(),
      () => this.#drawCurves(),
      () => this.#drawDiagram(),
      () => this.#inspector.draw(this.#runner),
    ];
  }

  #nextFrame(): void {
    this.#isDueSoon = this.#due.size > 0;
    if (this.#isDueSoon) requestAnimationFrame(() => void this.#drawDue());
  }

  async #drawDue(): Promise<void> {
    const [index] = this.#due;
    this.#due.delete(index);
    try {
      await this.#draw(index);
    } finally {
      this.#nextFrame();
    }
  }

  #tick(): void {
    if (!this.#runner.isPlaying || document.hidden || this.#isDrawing) return;
    const turns = [0, 1, 0, 2, 0, 3];
    void this.#draw(turns[this.#turn++ % turns.length]);
  }

  /** Draws one thing between two steps of training. */
  async #draw(index: number): Promise<void> {
    this.#isDrawing = true;
    try {
      await this.#runner.rest(this.#drawings[index]);
    } finally {
      this.#isDrawing = false;
    }
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

  #choose(sample: Sample): void {
    this.#plane.select(this.#inspector.choose(sample, this.#runner));
    this.drawSoon();
  }

  #showCode(): void {
    const { state, data, tableSource } = this.#session;
    const { epoch } = this.#runner;
    const epochs = epoch === 0 ? 100 : Math.max(1, Math.ceil(epoch));
    byId('code').textContent = programFor({ state, data, table: tableSource, epochs });
  }
}
