import { type DataSet, generatorNames, generators, planeDataSet } from '../data/data-set.js';
import type { DataName, State } from '../model/state.js';
import { limits, taskKind } from '../model/state.js';
import { palette } from './colors.js';
import { byId, h, setOptions } from './dom.js';
import { type Field, rangeField } from './fields.js';
import { drawMark } from './marks.js';

export interface DataEvents {
  chosen(data: DataName): void;
  changed(patch: Partial<State>): void;
  fileGiven(file: File): void;
  targetChosen(target: number): void;
  axesChosen(axes: readonly [number, number]): void;
}

const titles: Record<DataName, string> = {
  ...(Object.fromEntries(generatorNames.map((name) => [name, generators[name].title])) as Record<
    string,
    string
  >),
  drawn: 'Draw',
  digits: 'Digits',
  csv: 'CSV',
} as Record<DataName, string>;

const hints: Record<DataName, string> = {
  xor: 'The classic that no single layer can separate: same signs against different signs.',
  circles: 'A disc inside a ring; a few hidden units are enough.',
  spiral: 'Two arms wound into each other; give the network more units and time.',
  gaussians: 'Three clouds, so the network has three outputs.',
  moons: 'Two half circles that reach into each other.',
  sine: 'A curve to be fitted: one input, one number out.',
  line: 'A straight line; a network without hidden layers can do it.',
  drawn: 'Choose a class beside the plane and click to add points.',
  digits: 'Handwritten digits of MNIST, 28 × 28 pixels: 10,000 to train on, 2,000 to test.',
  csv: 'Columns of numbers are inputs; choose the column to predict.',
};

const TILE = 56;

/** Choice of the data set, and what can be set about it. */
export class DataPanel {
  readonly #tiles = byId('data-tiles');
  readonly #target = byId<HTMLSelectElement>('target');
  readonly #fields: { [Key in 'count' | 'noise' | 'testShare']: Field<number> };
  readonly #newSample = h('button', {
    type: 'button',
    textContent: 'New sample',
    title: 'Other points of the same kind',
  });
  readonly #clear = h('button', { type: 'button', textContent: 'Clear points' });
  readonly #inputs = new Map<DataName, HTMLInputElement>();
  readonly #canvases = new Map<DataName, HTMLCanvasElement>();
  readonly #axes: readonly [HTMLSelectElement, HTMLSelectElement];
  readonly #axesField: HTMLElement;
  #state: State | null = null;

  constructor(events: DataEvents) {
    for (const name of [...generatorNames, 'drawn', 'digits', 'csv'] as const) this.#addTile(name, events);
    const percent = (value: number): string => `${Math.round(100 * value)} %`;
    this.#fields = {
      count: rangeField('Points', { lowest: 10, highest: limits.count, step: 10, text: String }, (count) =>
        events.changed({ count }),
      ),
      noise: rangeField('Noise', { lowest: 0, highest: limits.noise, step: 0.01, text: percent }, (noise) =>
        events.changed({ noise }),
      ),
      testShare: rangeField(
        'Test share',
        { lowest: 0, highest: limits.testShare, step: 0.05, text: percent },
        (testShare) => events.changed({ testShare }),
      ),
    };
    this.#newSample.addEventListener('click', () =>
      events.changed({ dataSeed: ((this.#state?.dataSeed ?? 0) + 1) % limits.seed }),
    );
    this.#clear.addEventListener('click', () => events.changed({ drawn: [] }));
    const { count, noise, testShare } = this.#fields;
    this.#axes = [h('select', { title: 'Input across' }), h('select', { title: 'Input up' })];
    for (const axis of this.#axes) {
      axis.addEventListener('change', () =>
        events.axesChosen([Number(this.#axes[0].value), Number(this.#axes[1].value)]),
      );
    }
    this.#axesField = h(
      'div',
      { className: 'fields' },
      ...this.#axes.map((axis, index) =>
        h('label', { className: 'field' }, h('span', { textContent: index === 0 ? 'Across' : 'Up' }), axis),
      ),
    );
    byId('data-options').append(
      count.element,
      noise.element,
      testShare.element,
      this.#newSample,
      this.#clear,
    );
    byId('table-options').append(this.#axesField);
    this.#listenForFiles(events);
    this.#target.addEventListener('change', () => events.targetChosen(Number(this.#target.value)));
  }

  show(state: State, data: DataSet): void {
    this.#state = state;
    for (const [name, input] of this.#inputs) input.checked = name === state.data;
    const kind = taskKind(state.data);
    const isGenerated = kind === 'plane' || kind === 'curve';
    this.#fields.count.show(state.count);
    this.#fields.noise.show(state.noise);
    this.#fields.testShare.show(state.testShare);
    this.#fields.count.element.hidden = !isGenerated || state.data === 'drawn';
    this.#fields.noise.element.hidden = this.#fields.count.element.hidden;
    this.#fields.testShare.element.hidden = kind === 'digits' || state.data === 'drawn';
    this.#newSample.hidden = this.#fields.count.element.hidden;
    this.#clear.hidden = state.drawn.length === 0;
    byId('table-options').hidden = state.data !== 'csv';
    this.hint(hints[state.data]);
    this.#showAxes(data);
  }

  /** The columns of a table, for the choice of the target. */
  showTable(columns: readonly string[], target: number): void {
    byId('target-field').hidden = false;
    setOptions(
      this.#target,
      columns.map((name, index) => [`${index}`, name] as const),
      `${target}`,
    );
  }

  /** Opens the choice of a file before there is one. */
  askForTable(): void {
    byId('table-options').hidden = false;
    byId('data-options').hidden = false;
    this.hint(hints.csv);
  }

  hint(text: string): void {
    byId('data-hint').textContent = text;
  }

  drawTiles(): void {
    for (const [name, canvas] of this.#canvases) drawTile(canvas, name);
  }

  #showAxes({ columns, classes }: DataSet): void {
    const needed = this.#state?.data === 'csv' && classes !== null && columns.length > 2;
    this.#axesField.hidden = !needed;
    if (!needed) return;
    this.#axes.forEach((axis, index) => {
      const kept = Number(axis.value || index);
      const options = columns.map((name, column) => [`${column}`, name] as const);
      setOptions(axis, options, `${kept < columns.length ? kept : index}`);
    });
  }

  #addTile(name: DataName, events: DataEvents): void {
    const input = h('input', { type: 'radio', name: 'data', value: name });
    const canvas = h('canvas', { width: 2 * TILE, height: 2 * TILE, attributes: { 'aria-hidden': 'true' } });
    input.addEventListener('change', () => events.chosen(name));
    this.#inputs.set(name, input);
    this.#canvases.set(name, canvas);
    this.#tiles.append(
      h('label', { className: 'tile' }, input, canvas, h('span', { textContent: titles[name] })),
    );
  }

  #listenForFiles(events: DataEvents): void {
    const chooser = byId<HTMLInputElement>('table-file');
    byId('choose-file').addEventListener('click', () => chooser.click());
    chooser.addEventListener('change', () => {
      const [file] = chooser.files ?? [];
      if (file) events.fileGiven(file);
      chooser.value = '';
    });
    const mark = (isOver: boolean): boolean => document.body.classList.toggle('dropping', isOver);
    window.addEventListener('dragover', (event) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      mark(true);
    });
    window.addEventListener('dragleave', (event) => {
      if (!event.relatedTarget) mark(false);
    });
    window.addEventListener('drop', (event) => {
      mark(false);
      const [file] = event.dataTransfer?.files ?? [];
      if (!file) return;
      event.preventDefault();
      events.fileGiven(file);
    });
  }
}

/** A small picture of a data set. */
function drawTile(canvas: HTMLCanvasElement, name: DataName): void {
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const { ink, muted } = palette();
  context.setTransform(2, 0, 0, 2, 0, 0);
  context.clearRect(0, 0, TILE, TILE);
  if (name === 'drawn' || name === 'digits' || name === 'csv') {
    drawSymbol(context, name, ink, muted);
    return;
  }
  const noise = name === 'gaussians' ? 0.02 : 0.03;
  const { train } = planeDataSet(name, {
    count: name === 'spiral' ? 90 : 60,
    noise,
    seed: 3,
    testShare: 0,
    drawn: [],
  });
  const inputs = train.x.length / train.count;
  for (let row = 0; row < train.count; row++) {
    const x = train.x[row * inputs];
    const y = inputs === 1 ? train.y[row] : train.x[row * inputs + 1];
    const label = inputs === 1 ? 0 : train.y[row];
    drawMark(context, label, TILE * (0.5 + 0.42 * x), TILE * (0.5 - 0.42 * y), 1.9, false);
  }
}

function drawSymbol(
  context: CanvasRenderingContext2D,
  name: 'drawn' | 'digits' | 'csv',
  ink: string,
  muted: string,
): void {
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillStyle = ink;
  if (name === 'drawn') {
    const points = [
      [0.3, 0.3, 0],
      [0.42, 0.5, 0],
      [0.24, 0.55, 0],
      [0.66, 0.45, 1],
      [0.72, 0.68, 1],
      [0.55, 0.74, 1],
    ];
    for (const [x, y, label] of points) drawMark(context, label, TILE * x, TILE * y, 4, false);
  } else if (name === 'digits') {
    context.font = '600 34px ui-serif, Georgia, serif';
    context.fillText('7', TILE / 2, TILE / 2 + 1);
  } else {
    context.strokeStyle = muted;
    context.strokeRect(12, 15, 32, 27);
    context.beginPath();
    for (const y of [24, 33]) {
      context.moveTo(12, y);
      context.lineTo(44, y);
    }
    for (const x of [23, 33]) {
      context.moveTo(x, 15);
      context.lineTo(x, 42);
    }
    context.stroke();
  }
}
