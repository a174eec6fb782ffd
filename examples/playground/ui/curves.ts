import uPlot from 'uplot';
import type { HistoryPoint } from '../model/history.js';
import { palette } from './colors.js';
import { shown } from './dom.js';

type Numbers = (number | null)[];

const HEIGHT = 104;

/** Two curves by epoch, training and test. */
export class Curves {
  readonly #element: HTMLElement;
  readonly #range: readonly [number, number] | null;
  #plot: uPlot;
  #isLogarithmic = false;

  /** @param range of the values; null to follow them */
  constructor(element: HTMLElement, range: readonly [number, number] | null) {
    this.#element = element;
    this.#range = range;
    this.#plot = this.#create();
    new ResizeObserver(() => this.#plot.setSize({ width: element.clientWidth, height: HEIGHT })).observe(
      element,
    );
  }

  set isLogarithmic(value: boolean) {
    this.#isLogarithmic = value;
    this.rebuild();
  }

  /** Made anew, since uPlot keeps colours and scales. */
  rebuild(): void {
    const { data } = this.#plot;
    this.#plot.destroy();
    this.#plot = this.#create();
    this.#plot.setData(data);
  }

  draw(points: readonly HistoryPoint[], train: 'loss' | 'accuracy', test: 'testLoss' | 'testAccuracy'): void {
    const positive = (value: number | null): number | null =>
      value !== null && (!Number.isFinite(value) || (this.#isLogarithmic && value <= 0)) ? null : value;
    const values = (kind: typeof train | typeof test): Numbers =>
      points.map((point) => positive(point[kind]));
    this.#plot.setData([points.map(({ epoch }) => epoch), values(train), values(test)]);
  }

  #create(): uPlot {
    const { muted, line, train, test } = palette();
    const font = '11px system-ui, sans-serif';
    const axis = { stroke: muted, font, ticks: { stroke: line, size: 4 }, grid: { stroke: line, width: 1 } };
    const isLogarithmic = this.#isLogarithmic;
    const range = this.#range;
    return new uPlot(
      {
        width: this.#element.clientWidth,
        height: HEIGHT,
        padding: [6, 16, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: {
            time: false,
            range: (_, lowest, highest) => [lowest ?? 0, Math.max(highest ?? 0, (lowest ?? 0) + 1)],
          },
          y: isLogarithmic
            ? { distr: 3 }
            : { range: range ? [range[0], range[1]] : (_, _low, high) => [0, high > 0 ? high * 1.08 : 1] },
        },
        axes: [
          { ...axis, size: 24, space: 60 },
          {
            ...axis,
            size: 46,
            space: 26,
            values: (_, ticks) => ticks.map((tick) => tickText(tick, isLogarithmic)),
          },
        ],
        series: [
          {},
          { stroke: train, width: 1.8, points: { show: false }, spanGaps: true },
          { stroke: test, width: 1.6, dash: [5, 3], points: { show: false }, spanGaps: true },
        ],
      },
      [[], [], []],
      this.#element,
    );
  }
}

function tickText(tick: number | null, isLogarithmic: boolean): string {
  if (tick === null) return '';
  if (!isLogarithmic)
    return Math.abs(tick) >= 1000 || (tick !== 0 && Math.abs(tick) < 0.001)
      ? tick.toExponential(0)
      : `${Number(tick.toPrecision(3))}`;
  return Number.isInteger(Math.log10(tick)) ? shown(tick, tick < 1 ? 3 : 0) : '';
}
