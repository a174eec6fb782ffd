/** Computation graphs as text: Mermaid, and the language of Graphviz. */
import type { GraphNode, GraphValue } from './graph.js';
import { Matrix } from './matrix.js';

type Kind = GraphNode['kind'];

/** Fill and line of each kind of node. */
const colors: Readonly<Record<Kind, { readonly fill: string; readonly line: string }>> = {
  data: { fill: '#e8f1fa', line: '#3973ac' },
  parameter: { fill: '#fdf1dc', line: '#b7791f' },
  operation: { fill: '#f4f4f5', line: '#71717a' },
  loss: { fill: '#fde8e8', line: '#b83232' },
};

const kinds = Object.keys(colors) as Kind[];

const gradientColor = '#b83232';

/** Values of at most so many rows and columns are written out. */
const SHOWN_ROWS = 8;
const SHOWN_COLUMNS = 6;

function shapeText({ shape }: GraphNode): string {
  if (shape.length === 0) return 'scalar';
  return shape.map((size) => size ?? 'rows').join(' × ');
}

/** Before and after the text of a node: parallelogram, rectangle, rounded and hexagon. */
const mermaidBrackets: Readonly<Record<Kind, readonly [string, string]>> = {
  data: ['[/', '/]'],
  parameter: ['[', ']'],
  operation: ['(', ')'],
  loss: ['{{', '}}'],
};

/** A Mermaid flowchart from the inputs on the left to the loss on the right. */
export function toMermaid(nodes: readonly GraphNode[]): string {
  const lines = ['flowchart LR'];
  for (const node of nodes) {
    const [open, close] = mermaidBrackets[node.kind];
    lines.push(`  ${node.id}${open}"${node.label}<br/>${shapeText(node)}"${close}:::${node.kind}`);
  }
  for (const { id, parents } of nodes) {
    for (const parent of parents) lines.push(`  ${parent} --> ${id}`);
  }
  for (const kind of kinds) {
    const { fill, line } = colors[kind];
    lines.push(`  classDef ${kind} fill:${fill},stroke:${line},color:#1f2328`);
  }
  return `${lines.join('\n')}\n`;
}

const dotShapes: Readonly<Record<Kind, string>> = {
  data: 'shape=box',
  parameter: 'shape=box',
  operation: 'shape=box, style="filled,rounded"',
  loss: 'shape=box, style="filled,rounded", penwidth=2',
};

/** A Graphviz digraph from the inputs on the left to the loss on the right. */
export function toDot(nodes: readonly GraphNode[]): string {
  const lines = [
    'digraph network {',
    '  rankdir=LR; nodesep=0.3; ranksep=0.45; bgcolor="white"; fontname="Helvetica,Arial,sans-serif";',
    '  node [fontname="Helvetica,Arial,sans-serif", fontsize=12, style=filled, margin="0.12,0.06", fontcolor="#1f2328"];',
    '  edge [color="#71717a", arrowsize=0.7];',
  ];
  for (const node of nodes) {
    const { fill, line } = colors[node.kind];
    lines.push(
      `  ${node.id} [label=<${dotLabel(node)}>, ${dotShapes[node.kind]}, fillcolor="${fill}", color="${line}"];`,
    );
  }
  for (const { id, parents } of nodes) {
    for (const parent of parents) lines.push(`  ${parent} -> ${id};`);
  }
  lines.push('}');
  return `${lines.join('\n')}\n`;
}

/** A line of a drawn node. */
interface Line {
  readonly html: string;
  /** Points that the line needs at most: Graphviz measures it in a font that the viewer may not have. */
  readonly width: number;
}

function dotLabel(node: GraphNode): string {
  const lines = [
    { html: `<b>${escapeHtml(node.label)}</b>`, width: 8 * node.label.length },
    { html: `<font point-size="10" color="#57606a">${shapeText(node)}</font>`, width: 0 },
    ...numberLines(node.value, '#1f2328'),
    ...gradientLines(node),
  ];
  const width = Math.ceil(Math.max(...lines.map((line) => line.width)));
  const cells = lines.map(({ html }) => `<tr><td align="left" width="${width}">${html}</td></tr>`);
  return `<table border="0" cellborder="0" cellspacing="0" cellpadding="1">${cells.join('')}</table>`;
}

function gradientLines({ id, gradient }: GraphNode): Line[] {
  const numbers = numberLines(gradient, gradientColor);
  if (numbers.length === 0) return [];
  return [{ html: `<font point-size="10" color="${gradientColor}">∂E/∂${id}</font>`, width: 0 }, ...numbers];
}

/** The numbers of a small value, one line a row; of others nothing. */
function numberLines(value: GraphValue | null, color: string): Line[] {
  if (value === null || !isShown(value)) return [];
  return rowsOf(value).map((row) => {
    const text = row.map(formatNumber).join(' ').replaceAll(' ', '\u00a0');
    return {
      html: `<font face="Courier New,monospace" point-size="10" color="${color}">${text}</font>`,
      width: 6.1 * text.length,
    };
  });
}

function isShown(value: GraphValue): boolean {
  if (typeof value === 'number') return true;
  if (value instanceof Matrix) return value.rows <= SHOWN_ROWS && value.columns <= SHOWN_COLUMNS;
  return value.length <= SHOWN_COLUMNS;
}

function rowsOf(value: GraphValue): number[][] {
  if (typeof value === 'number') return [[value]];
  return value instanceof Matrix ? value.toArrays() : [Array.from(value)];
}

/** Eight characters, so that the numbers of a matrix stand below each other. */
function formatNumber(value: number): string {
  const size = Math.abs(value);
  const isPlain = Number.isInteger(value) ? size < 1e5 : size >= 1e-3 && size < 1e4;
  const text = !isPlain
    ? value.toExponential(1)
    : Number.isInteger(value)
      ? String(value)
      : value.toPrecision(3);
  return text.padStart(8);
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
