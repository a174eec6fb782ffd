import type { DataSet } from '../data/data-set.js';
import { h } from './dom.js';
import { drawMark } from './marks.js';
import type { View } from './view.js';

/** Fills the legend under the plane. */
export function fillLegend(legend: HTMLElement, data: DataSet, view: View): void {
  const mark = (label: number, isHollow: boolean): Node => {
    const canvas = h('canvas', { width: 28, height: 28 });
    canvas.style.cssText = 'width:14px;height:14px;vertical-align:-2px;margin-right:5px';
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    context.scale(2, 2);
    drawMark(context, label, 7, 7, 4, isHollow);
    return canvas;
  };
  const entries: Node[] = [];
  if (view.kind === 'scatter') {
    entries.push(h('span', {}, mark(0, false), 'training'), h('span', {}, mark(1, true), 'test'));
    entries.push(h('span', {}, 'across: true value, up: predicted'));
  } else if (data.classes) {
    data.classes.slice(0, 10).forEach((name, label) => {
      entries.push(h('span', {}, mark(label, false), name));
    });
    if (data.test) entries.push(h('span', {}, 'hollow: test'));
  } else {
    entries.push(h('span', {}, mark(0, false), 'samples'), h('span', {}, 'line: the network'));
  }
  legend.replaceChildren(...entries);
}
