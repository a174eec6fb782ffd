import type { Inspection, Matrix } from 'fastmlp';
import { rowOf } from '../data/data-set.js';
import type { Runner } from '../model/runner.js';
import { classShares, decideClasses, scoreForm } from '../model/task.js';
import { byId, h, shown } from './dom.js';
import type { Sample } from './plane-painter.js';
import { paintDigit, painted } from './raster.js';

const MAXIMUM_UNITS = 12;
const MAXIMUM_INPUTS = 6;

/** Tables of everything that one sample makes the network compute, forward and back. */
export class Inspector {
  readonly #tables = byId('inspect-tables');
  readonly #row = h('input', { type: 'number', min: '1', step: '1', value: '1', id: 'sample' });
  readonly #part = h(
    'select',
    { id: 'sample-part' },
    h('option', { value: 'train', textContent: 'training' }),
    h('option', { value: 'test', textContent: 'test' }),
  );
  readonly #summary = h('span', { className: 'hint', id: 'sample-summary' });
  /** The image that a sample is, where it is one. */
  readonly #picture = h('canvas', { className: 'sample-picture', hidden: true });
  readonly #chosen: (sample: Sample) => void;
  #sample: Sample = { part: 'train', row: 0 };
  #drawn = '';

  /** `chosen` is called when somebody picks a sample here. */
  constructor(chosen: (sample: Sample) => void) {
    this.#chosen = chosen;
    const sample = h('label', { className: 'inline' }, 'Sample', this.#row);
    const part = h('label', { className: 'inline' }, 'of', this.#part);
    byId('inspect-choice').append(sample, part, this.#picture, this.#summary);
    for (const control of [this.#row, this.#part]) {
      control.addEventListener('change', () => {
        const row = Math.max(0, Math.round(Number(this.#row.value)) - 1);
        this.#chosen({ part: this.#part.value as Sample['part'], row });
      });
    }
  }

  get sample(): Sample {
    return this.#sample;
  }

  /** Chooses a sample; one that is not there becomes the last. */
  choose({ part, row }: Sample, runner: Runner): Sample {
    const rows = part === 'test' ? (runner.data.test ?? runner.data.train) : runner.data.train;
    this.#sample = {
      part: rows === runner.data.test ? 'test' : 'train',
      row: Math.min(row, Math.max(0, rows.count - 1)),
    };
    this.#row.max = `${rows.count}`;
    this.#row.value = `${this.#sample.row + 1}`;
    this.#part.value = this.#sample.part;
    this.#part.disabled = runner.data.test === null;
    return this.#sample;
  }

  draw(runner: Runner): void {
    const { part, row } = this.#sample;
    const rows = part === 'test' ? runner.data.test : runner.data.train;
    if (!runner.trainer || !rows || row >= rows.count) {
      this.#summary.textContent = 'There is no sample yet.';
      this.#tables.replaceChildren();
      this.#drawn = '';
      return;
    }
    let inspection: Inspection;
    try {
      inspection = runner.trainer.inspect(rowOf(rows, row), runner.targetsOf(part, row));
    } catch (error) {
      this.#tables.replaceChildren(h('p', { className: 'hint', textContent: (error as Error).message }));
      this.#drawn = '';
      return;
    }
    this.#drawPicture(runner.data.imageSize, rowOf(rows, row));
    this.#summary.textContent = summaryOf(runner, inspection, rows.y[row]);
    this.#fill(runner, inspection);
  }

  #drawPicture(size: number | null, pixels: ArrayLike<number>): void {
    this.#picture.hidden = size === null;
    if (size === null) return;
    this.#picture.width = size;
    this.#picture.height = size;
    const image = painted(size, (target) => paintDigit(target, pixels));
    this.#picture.getContext('2d')?.drawImage(image, 0, 0);
  }

  /** Cells are changed in place while the shape stays, so that selection and scrolling survive. */
  #fill(runner: Runner, inspection: Inspection): void {
    const shape = inspection.layers.map(({ weights }) => `${weights.rows}x${weights.columns}`).join();
    const names = runner.trainer?.layers.map(({ activation }) => activation).join() ?? '';
    const columns = inspection.layers.map((_, layer) => columnsOf(inspection, layer));
    const wanted = `${shape} ${names} ${columns[0]} ${runner.data.columns.slice(0, 20)}`;
    if (this.#drawn !== wanted) {
      this.#tables.replaceChildren(
        ...columns.map((shown, layer) => tableOf(runner, inspection, layer, shown)),
      );
      this.#drawn = wanted;
    }
    inspection.layers.forEach((_, layer) => {
      const body = this.#tables.children[layer].querySelector('tbody') as HTMLTableSectionElement;
      const cells = cellsOf(inspection, layer, columns[layer]);
      cells.forEach((values, unit) => {
        values.forEach((value, column) => {
          const cell = body.rows[unit].cells[column + 1];
          const text = shown(value);
          if (cell.textContent !== text) cell.textContent = text;
        });
      });
      shade(body, cells);
    });
  }
}

function summaryOf(runner: Runner, { inputs, layers, loss }: Inspection, truth: number): string {
  const { classes, imageSize } = runner.data;
  const output = layers[layers.length - 1].output;
  const given = Array.from(inputs.row(0).slice(0, 4), (value) => shown(value, 2));
  const more = inputs.columns > 4 ? ', …' : '';
  const from = imageSize === null ? `x = (${given.join(', ')}${more}), ` : '';
  if (!classes) return `${from}target ${shown(truth)}, output ${shown(output.data[0])}, loss ${shown(loss)}`;
  const shares = classShares(output as Matrix, scoreForm(runner.state, classes.length), classes.length);
  const decided = decideClasses(shares, classes.length)[0];
  const verdict = decided === truth ? 'right' : 'wrong';
  return `${from}class ${classes[truth]}, taken for ${classes[decided]} (${verdict}), loss ${shown(loss)}`;
}

/** Inputs of a layer whose weights are shown: the first, or of many inputs to the first layer those that are largest. */
function columnsOf({ layers, inputs }: Inspection, index: number): number[] {
  const { columns } = layers[index].weights;
  const all = Array.from({ length: columns }, (_, column) => column);
  if (index > 0 || columns <= 2 * MAXIMUM_INPUTS) return all.slice(0, MAXIMUM_INPUTS);
  return all
    .sort((a, b) => Math.abs(inputs.data[b]) - Math.abs(inputs.data[a]))
    .slice(0, MAXIMUM_INPUTS)
    .sort((a, b) => a - b);
}

/** z, output, ∂E/∂x, delta, bias gradient and weight gradients of each unit shown. */
function cellsOf({ layers }: Inspection, index: number, columns: readonly number[]): number[][] {
  const { netInput, output, outputGradient, delta, biasGradient, weightGradient } = layers[index];
  return Array.from({ length: Math.min(netInput.columns, MAXIMUM_UNITS) }, (_, unit) => [
    netInput.data[unit],
    output.data[unit],
    outputGradient?.data[unit] ?? 0,
    delta?.data[unit] ?? 0,
    biasGradient?.[unit] ?? 0,
    ...columns.map((column) => weightGradient?.row(unit)[column] ?? 0),
  ]);
}

function tableOf(
  runner: Runner,
  inspection: Inspection,
  index: number,
  columns: readonly number[],
): HTMLElement {
  const { layers } = inspection;
  const { weights, netInput } = layers[index];
  const { activation } = (runner.trainer as NonNullable<Runner['trainer']>).layers[index];
  const names = index === 0 ? runner.data.columns : null;
  const inputs = columns.map((column) => `∂E/∂w ${(names?.[column] ?? `${column + 1}`).slice(0, 12)}`);
  const isLast = index === layers.length - 1;
  const left = [
    netInput.columns > MAXIMUM_UNITS ? `${MAXIMUM_UNITS} of ${netInput.columns} units` : '',
    weights.columns > columns.length ? `${columns.length} of ${weights.columns} inputs` : '',
  ].filter(Boolean);
  const title = `${isLast ? 'Output layer' : `Layer ${index + 1}`}: ${activation}`;
  const heads = ['unit', 'z', 'x = f(z)', '∂E/∂x', 'δ = ∂E/∂z', '∂E/∂b', ...inputs];
  const caption = h(
    'caption',
    {},
    title,
    h('span', { className: 'hint' }, left.length > 0 ? `, ${left.join(' and ')}` : ''),
  );
  const rows = cellsOf(inspection, index, columns).map((values, unit) => {
    const name =
      isLast && runner.data.classes?.length === netInput.columns ? runner.data.classes[unit] : `${unit + 1}`;
    const head = h('th', { scope: 'row', textContent: name });
    return h('tr', {}, head, ...values.map((_, column) => h('td', { className: column > 0 ? 'shade' : '' })));
  });
  const head = h(
    'thead',
    {},
    h('tr', {}, ...heads.map((text) => h('th', { scope: 'col', textContent: text }))),
  );
  const table = h('table', {}, caption, head, h('tbody', {}, ...rows));
  return h(
    'div',
    { className: 'scroll', tabIndex: 0, attributes: { role: 'region', 'aria-label': title } },
    table,
  );
}

/** Tints cells by size within their kind: outputs together, gradients of a column kind together. */
function shade(body: HTMLTableSectionElement, cells: readonly (readonly number[])[]): void {
  const kinds = [[1], [2], [3], [4], cells[0]?.map((_, column) => column).slice(5) ?? []];
  for (const columns of kinds) {
    const largest = Math.max(
      1e-12,
      ...cells.flatMap((row) => columns.map((column) => Math.abs(row[column]))),
    );
    cells.forEach((row, unit) => {
      for (const column of columns) {
        const { style } = body.rows[unit].cells[column + 1];
        style.setProperty('--share', (Math.abs(row[column]) / largest).toFixed(2));
        style.setProperty('--tint', `var(--class-${row[column] < 0 ? 0 : 1})`);
      }
    });
  }
}
