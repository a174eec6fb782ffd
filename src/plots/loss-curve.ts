import type { TopLevelSpec } from 'vega-lite';
import { rangeError, requireKnownKeys, typeError } from '../errors.js';
import type { History } from '../history.js';
import { classColors, plotStyle, renderVegaLite } from './vega.js';

export interface LossCurveOptions {
  /** Written above; default none. */
  readonly title?: string;
}

/** Up to so many epochs are marked by points. */
const MARKED_EPOCHS = 30;

const action = 'Cannot draw loss curve';

const seriesNames = ['training', 'validation'] as const;

type Panel = Extract<TopLevelSpec, { vconcat: unknown }>['vconcat'][number];

/** One number of an epoch, counted from 1. */
interface Point {
  readonly epoch: number;
  readonly series: (typeof seriesNames)[number];
  readonly value: number;
}

/**
 * The loss of each epoch, and below it the accuracy where the history has one; with validation, both lines.
 *
 * @param history what `fit` resolved with
 * @returns an SVG document
 * @throws Error (as a rejection) with the command that installs `vega` and `vega-lite`, if they are missing
 * @example await writeFile('loss.svg', await lossCurve(await trainer.fit(x, t, { epochs: 20, validationSplit: 0.2 })));
 */
export async function lossCurve(history: History, options: LossCurveOptions = {}): Promise<string> {
  requireKnownKeys(action, options, ['title']);
  const numbers = history?.history;
  if (!numbers || !Array.isArray(numbers.loss)) {
    throw typeError(action, 'history must be what fit resolves with', history);
  }
  if (numbers.loss.length === 0) {
    throw rangeError(action, 'the history must have at least one epoch', numbers.loss);
  }
  const { loss, val_loss, accuracy, val_accuracy } = numbers;
  const panels = [panelOf('loss', 240, loss, val_loss)];
  if (accuracy) panels.push(panelOf('accuracy', 140, accuracy, val_accuracy));
  return renderVegaLite(action, {
    ...(options.title === undefined ? {} : { title: options.title }),
    background: 'white',
    padding: 12,
    spacing: 16,
    config: { ...plotStyle, view: { stroke: null } },
    vconcat: panels,
  });
}

function panelOf(
  name: 'loss' | 'accuracy',
  height: number,
  training: readonly number[],
  validation: readonly number[] = [],
): Panel {
  const values = [...pointsOf('training', training), ...pointsOf('validation', validation)];
  return {
    width: 480,
    height,
    data: { values },
    mark: { type: 'line', strokeWidth: 2, point: training.length <= MARKED_EPOCHS && { size: 28 } },
    encoding: {
      x: {
        field: 'epoch',
        type: 'quantitative',
        scale: { domain: [1, Math.max(2, training.length)], nice: false },
        axis: { title: 'epoch', grid: false, tickMinStep: 1, format: 'd' },
      },
      y: {
        field: 'value',
        type: 'quantitative',
        scale: name === 'loss' ? { zero: true } : { domain: [lowestAccuracy(values), 1] },
        axis: { title: name, tickCount: 5 },
      },
      color: {
        field: 'series',
        type: 'nominal',
        scale: { domain: [...seriesNames], range: classColors.slice(0, seriesNames.length) },
        legend: validation.length > 0 ? { title: null, orient: 'top', symbolType: 'stroke' } : null,
      },
    },
  };
}

const pointsOf = (series: Point['series'], values: readonly number[]): Point[] =>
  values.map((value, index) => ({ epoch: index + 1, series, value }));

/** The tenth below all accuracies, at most 0.9. */
function lowestAccuracy(points: readonly Point[]): number {
  const lowest = points.reduce((smallest, { value }) => Math.min(smallest, value), 1);
  return Math.min(0.9, Math.floor(lowest * 10) / 10);
}
