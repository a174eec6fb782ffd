import { rowOf } from '../data/data-set.js';
import { DIGIT_SIZE, toDigit } from '../data/digits.js';
import type { Runner } from '../model/runner.js';
import { classShares, decideClasses, scoreForm } from '../model/task.js';
import { byId, h, prepareCanvas } from './dom.js';
import { paintDigit, painted, picture } from './raster.js';

/** Pixels along a side of what is drawn, before it is made into 28 × 28. */
const INK_SIZE = 112;
const PEN_RADIUS = 4.6;
const MAXIMUM_WRONG = 14;
/** Test digits looked at in one go, so that the page is not held. */
const SLICE = 100;

/** A pad to draw a digit on, what the network takes it for, and the test digits it gets wrong. */
export class DigitPanel {
  readonly #pad = h('canvas', {
    className: 'pad',
    tabIndex: 0,
    id: 'pad',
    attributes: {
      role: 'application',
      'aria-label':
        'Pad to draw a digit on. Arrow keys move the pen, space puts it down and lifts it, Delete clears.',
    },
  });
  readonly #bars: HTMLElement[] = [];
  readonly #wrong = h('div', { className: 'wrong' });
  readonly #wrongTitle = h('h3', { textContent: 'Test digits it gets wrong' });
  readonly #ink = new Float32Array(INK_SIZE * INK_SIZE);
  /** A test digit shown instead of a drawing. */
  #given: Uint8Array | null = null;
  #pen = { x: INK_SIZE / 2, y: INK_SIZE / 4, isDown: false, isShown: false };
  #runner: Runner | null = null;
  #looking = 0;
  readonly #changed: () => void;
  readonly #chosen: (row: number) => void;

  /** `changed` is called when the image changes, `chosen` when a test digit was picked. */
  constructor(changed: () => void, chosen: (row: number) => void) {
    this.#changed = changed;
    this.#chosen = chosen;
    const clear = h('button', { type: 'button', textContent: 'Clear' });
    clear.addEventListener('click', () => this.clear());
    const some = h('button', { type: 'button', textContent: 'A test digit' });
    some.addEventListener('click', () => {
      const count = this.#runner?.data.test?.count ?? 0;
      if (count > 0) this.#give(Math.floor(Math.random() * count));
    });
    const bars = h('div', { className: 'bars', id: 'bars', attributes: { role: 'img' } });
    for (let digit = 0; digit < 10; digit++) {
      const bar = h(
        'div',
        {},
        h('span', { textContent: `${digit}` }),
        h('i'),
        h('span', { textContent: '–' }),
      );
      this.#bars.push(bar);
      bars.append(bar);
    }
    const left = h('div', {}, this.#pad, h('div', { className: 'pad-tools' }, clear, some));
    byId('digit-panel').append(
      h('div', { className: 'digit-row' }, left, bars),
      h('p', { className: 'hint', textContent: 'Draw a digit with mouse, finger or keys.' }),
      h('div', { className: 'curve-head' }, this.#wrongTitle),
      this.#wrong,
    );
    this.#listen();
  }

  set(runner: Runner): void {
    this.#runner = runner;
    this.#wrong.replaceChildren();
    this.#wrongTitle.textContent = 'Test digits it gets wrong';
  }

  /** What the network gets: the drawing as MNIST has its digits, or a test digit. */
  get pixels(): Uint8Array | null {
    return this.#given ?? toDigit(this.#ink, INK_SIZE);
  }

  clear(): void {
    this.#ink.fill(0);
    this.#given = null;
    this.#draw();
    this.#changed();
  }

  /** The pad and the probabilities of the digit on it. */
  draw(): void {
    this.#draw();
    const trainer = this.#runner?.trainer;
    const pixels = this.pixels;
    const classes = this.#runner?.classCount;
    if (!this.#runner || !trainer || classes !== 10) return;
    const shares = pixels
      ? classShares(trainer.predict(pixels), scoreForm(this.#runner.state, 10), 10)
      : null;
    const best = shares ? decideClasses(shares, 10)[0] : -1;
    this.#bars.forEach((bar, digit) => {
      const share = shares?.[digit] ?? 0;
      bar.style.setProperty('--share', share.toFixed(3));
      bar.classList.toggle('best', digit === best);
      (bar.lastElementChild as HTMLElement).textContent = shares ? `${(100 * share).toFixed(1)} %` : '–';
    });
    const label = shares ? `Taken for ${best}, ${Math.round(100 * shares[best])} per cent` : 'Nothing drawn';
    byId('bars').setAttribute('aria-label', label);
  }

  /** Looks through the test digits, some at a time. */
  async findWrong(): Promise<void> {
    const [runner, mine] = [this.#runner, ++this.#looking];
    const test = runner?.data.test;
    if (!runner?.trainer || !test || !runner.data.imageSize) return;
    const wrong: { row: number; taken: number }[] = [];
    let count = 0;
    for (let begin = 0; begin < test.count; begin += SLICE) {
      const { trainer } = runner;
      if (mine !== this.#looking || !trainer || runner.data.test !== test) return;
      const end = Math.min(test.count, begin + SLICE);
      const inputs = test.x.length / test.count;
      const outputs = trainer.predict(test.x.subarray(begin * inputs, end * inputs));
      const decided = decideClasses(classShares(outputs, scoreForm(runner.state, 10), 10), 10);
      decided.forEach((taken, index) => {
        if (taken === test.y[begin + index]) return;
        count++;
        if (wrong.length < MAXIMUM_WRONG) wrong.push({ row: begin + index, taken });
      });
      await new Promise((resolve) => setTimeout(resolve));
    }
    this.#wrongTitle.textContent = `Test digits it gets wrong: ${count} of ${test.count}`;
    this.#wrong.replaceChildren(
      ...wrong.map(({ row, taken }) => {
        const image = picture(DIGIT_SIZE, (target) => paintDigit(target, rowOf(test, row)));
        const truth = test.y[row];
        const title = `Test digit ${row + 1}: a ${truth}, taken for ${taken}`;
        const button = h(
          'button',
          { type: 'button', title, attributes: { 'aria-label': title } },
          image,
          `${truth} → ${taken}`,
        );
        button.addEventListener('click', () => this.#give(row));
        return button;
      }),
    );
  }

  #give(row: number): void {
    const test = this.#runner?.data.test;
    if (!test) return;
    this.#ink.fill(0);
    this.#given = rowOf(test, row) as Uint8Array;
    this.#draw();
    this.#changed();
    this.#chosen(row);
  }

  #listen(): void {
    let last: { x: number; y: number } | null = null;
    const at = (event: PointerEvent): { x: number; y: number } => ({
      x: (event.offsetX / this.#pad.clientWidth) * INK_SIZE,
      y: (event.offsetY / this.#pad.clientHeight) * INK_SIZE,
    });
    this.#pad.addEventListener('pointerdown', (event) => {
      if (event.button > 0) return;
      this.#pad.setPointerCapture(event.pointerId);
      this.#pen.isShown = false;
      last = at(event);
      this.#stroke(last, last);
    });
    this.#pad.addEventListener('pointermove', (event) => {
      if (!last) return;
      const next = at(event);
      this.#stroke(last, next);
      last = next;
    });
    for (const end of ['pointerup', 'pointercancel'] as const) {
      this.#pad.addEventListener(end, () => {
        last = null;
      });
    }
    this.#pad.addEventListener('keydown', (event) => this.#key(event));
    this.#pad.addEventListener('blur', () => {
      this.#pen.isShown = false;
      this.#draw();
    });
  }

  #key(event: KeyboardEvent): void {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const pen = this.#pen;
    const move = moves[event.key];
    if (event.key === 'Delete' || event.key === 'Backspace') this.clear();
    else if (event.key === ' ') pen.isDown = !pen.isDown;
    else if (!move) return;
    event.preventDefault();
    const before = { x: pen.x, y: pen.y };
    const within = (value: number): number => Math.min(INK_SIZE - 1, Math.max(0, value));
    if (move) [pen.x, pen.y] = [within(pen.x + 5 * move[0]), within(pen.y + 5 * move[1])];
    pen.isShown = true;
    if (pen.isDown) this.#stroke(before, pen);
    else this.#draw();
  }

  /** Ink along a line, with a soft edge. */
  #stroke(from: { x: number; y: number }, to: { x: number; y: number }): void {
    if (this.#given) {
      this.#given = null;
      this.#ink.fill(0);
    }
    const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y)));
    for (let step = 0; step <= steps; step++) {
      const x = from.x + ((to.x - from.x) * step) / steps;
      const y = from.y + ((to.y - from.y) * step) / steps;
      this.#dot(x, y);
    }
    this.#draw();
    this.#changed();
  }

  #dot(x: number, y: number): void {
    const reach = Math.ceil(PEN_RADIUS + 1);
    for (let row = Math.floor(y) - reach; row <= y + reach; row++) {
      for (let column = Math.floor(x) - reach; column <= x + reach; column++) {
        if (row < 0 || column < 0 || row >= INK_SIZE || column >= INK_SIZE) continue;
        const edge = PEN_RADIUS + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y);
        const ink = 255 * Math.min(1, Math.max(0, edge));
        const index = row * INK_SIZE + column;
        this.#ink[index] = Math.max(this.#ink[index], ink);
      }
    }
  }

  #draw(): void {
    if (this.#pad.clientWidth === 0) return;
    const { context, width, height } = prepareCanvas(this.#pad);
    const given = this.#given;
    const image = given
      ? painted(DIGIT_SIZE, (target) => paintDigit(target, given))
      : painted(INK_SIZE, (target) => paintDigit(target, this.#ink));
    context.imageSmoothingEnabled = !given;
    context.drawImage(image, 0, 0, width, height);
    if (!this.#pen.isShown) return;
    context.strokeStyle = this.#pen.isDown ? '#fff' : '#888';
    context.lineWidth = 2;
    context.beginPath();
    context.arc((this.#pen.x / INK_SIZE) * width, (this.#pen.y / INK_SIZE) * height, 7, 0, 2 * Math.PI);
    context.stroke();
  }
}
