import type { Spec } from 'vega';
import type { TopLevelSpec } from 'vega-lite';
import { missingPackages } from '../optional-packages.js';

/** Colours of the first classes, distinct for colour-blind readers as well (after Okabe and Ito); then they repeat. */
export const classColors = [
  ...['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#6a51a3', '#7f7f7f'],
];

/** Fonts, axes and legends that the plots have in common. */
export const plotStyle = {
  font: 'Helvetica, Arial, sans-serif',
  axis: {
    labelColor: '#3f3f46',
    titleColor: '#1f2328',
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 8,
    domainColor: '#a1a1aa',
    tickColor: '#a1a1aa',
    gridColor: '#e4e4e7',
  },
  legend: {
    labelColor: '#3f3f46',
    titleColor: '#1f2328',
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    symbolSize: 70,
    symbolStrokeWidth: 2,
  },
  title: { color: '#1f2328', fontSize: 14, fontWeight: 600, anchor: 'start', offset: 12 },
} as const;

/** Draws a Vega specification as an SVG document. */
export async function renderVega(action: string, spec: Spec): Promise<string> {
  const { View, parse } = await loadVega(action);
  const view = new View(parse(spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** Draws a Vega-Lite specification as an SVG document. */
export async function renderVegaLite(action: string, spec: TopLevelSpec): Promise<string> {
  const { compile } = await loadVegaLite(action);
  return renderVega(action, compile(spec).spec);
}

async function loadVega(action: string): Promise<typeof import('vega')> {
  try {
    return await import('vega');
  } catch (cause) {
    throw missingPackages(action, ['vega'], cause);
  }
}

async function loadVegaLite(action: string): Promise<typeof import('vega-lite')> {
  try {
    return await import('vega-lite');
  } catch (cause) {
    throw missingPackages(action, ['vega', 'vega-lite'], cause);
  }
}
