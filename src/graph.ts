import type { Numbers } from './backends/backend.js';
import { fact, typeError } from './errors.js';
import { toDot, toMermaid } from './graph-text.js';
import type { Inspection, LayerInspection } from './inspect.js';
import { isMask, type Layer } from './layers.js';
import type { Matrix } from './matrix.js';
import type { Model } from './model.js';
import { missingPackages } from './optional-packages.js';

/** A matrix, a vector, labels, or the loss: as `Inspection` has them. */
export type GraphValue = Matrix | Numbers | Int32Array | number;

/** A tensor of the network and how it comes about. */
export interface GraphNode {
  /** `x0` inputs, `t` targets, `E` loss; `W1`, `b1`, `z1` (net input) and `x1` (output) for the first layer, and so on. */
  readonly id: string;
  /** What it is, or how it is computed, such as `z1 = x0 W1ᵀ + b1`. */
  readonly label: string;
  readonly kind: 'data' | 'parameter' | 'operation' | 'loss';
  /** Rows and columns of a matrix, length of a vector, empty for the loss; null where the number of rows is not known. */
  readonly shape: readonly (number | null)[];
  /** Ids of the nodes it is computed from. */
  readonly parents: readonly string[];
  /** Its value when the network was inspected. */
  readonly value: GraphValue | null;
  /** ∂E/∂ of it, of its shape; null without an inspection with targets, and for the targets. */
  readonly gradient: GraphValue | null;
}

/** The computation graph of a network and its loss, as data. Made by `trainer.graph()`. */
export class ComputationGraph {
  /** Parents come before their children. */
  constructor(readonly nodes: readonly GraphNode[]) {}

  /** The node of an id, such as `'z1'`. */
  node(id: string): GraphNode {
    const found = this.nodes.find((node) => node.id === id);
    if (found) return found;
    const ids = this.nodes.map((node) => node.id).join(', ');
    throw typeError('Cannot get node', `id must be one of ${ids}`, id);
  }

  /** As a Mermaid flowchart, which many Markdown viewers draw. */
  toMermaid(): string {
    return toMermaid(this.nodes);
  }

  /** In the language of Graphviz. */
  toDot(): string {
    return toDot(this.nodes);
  }

  /**
   * Drawn by Graphviz. Values and gradients are shown where they are small.
   *
   * @returns an SVG document
   * @throws Error (as a rejection) with the command that installs `@viz-js/viz`, if it is missing
   */
  async toSvg(): Promise<string> {
    const viz = await loadViz();
    return viz.renderString(this.toDot(), { format: 'svg' });
  }
}

async function loadViz(): Promise<{ renderString(dot: string, options: { format: string }): string }> {
  try {
    const { instance } = await import('@viz-js/viz');
    return await instance();
  } catch (cause) {
    throw missingPackages('Cannot draw graph', ['@viz-js/viz'], cause);
  }
}

/** Makes the graph of a model, with the values of an inspection of it. */
export function computationGraph(model: Model, inspection: Inspection | null): ComputationGraph {
  if (inspection) requireOfModel(model, inspection);
  const rows = inspection?.inputs.rows ?? null;
  const { layers, loss, reduction } = model;
  const last = layers.length;
  const hasLabels = inspection?.targets instanceof Int32Array;
  const hasTargets = inspection?.targets !== null;
  return new ComputationGraph([
    {
      id: 'x0',
      label: model.inputTransform ? 'x0: inputs, transformed' : 'x0: inputs',
      kind: 'data',
      shape: [rows, model.inputs],
      parents: [],
      value: inspection?.inputs ?? null,
      gradient: inspection?.inputGradient ?? null,
    },
    ...layers.flatMap((layer, index) =>
      layerNodes(layer, index + 1, rows, inspection?.layers[index] ?? null),
    ),
    {
      id: 't',
      label: hasLabels ? 't: labels' : 't: targets',
      kind: 'data',
      shape: hasLabels ? [rows] : [hasTargets ? rows : null, model.outputs],
      parents: [],
      value: inspection?.targets ?? null,
      gradient: null,
    },
    {
      id: 'E',
      label: `E = ${reduction}(${loss.name}(x${last}, t))`,
      kind: 'loss',
      shape: [],
      parents: [`x${last}`, 't'],
      value: inspection?.loss ?? null,
      gradient: inspection && inspection.loss !== null ? 1 : null,
    },
  ]);
}

/** Parameters, net input and output of layer `l`, counted from 1. */
function layerNodes(layer: Layer, l: number, rows: number | null, seen: LayerInspection | null): GraphNode[] {
  const { units, weightRows, activation, bias, trainable, config } = layer;
  const suffix = trainable ? '' : ', frozen';
  const [input, W, b, z, x] = [`x${l - 1}`, `W${l}`, `b${l}`, `z${l}`, `x${l}`];
  const isDense = config.type === 'dense';
  const weights: GraphNode = {
    id: W,
    label: `${W}: ${isDense ? 'weights' : 'gamma'}${suffix}`,
    kind: 'parameter',
    shape: [units, weightRows],
    parents: [],
    value: seen?.weights ?? null,
    gradient: seen?.weightGradient ?? null,
  };
  const biases: GraphNode = {
    id: b,
    label: `${b}: ${isDense ? 'biases' : 'beta'}${suffix}`,
    kind: 'parameter',
    shape: [units],
    parents: [],
    value: seen?.biases ?? null,
    gradient: seen?.biasGradient ?? null,
  };
  const scaled = weightRows > 0;
  const product = isDense ? `${input} ${W}ᵀ` : `${scaled ? `${W} ` : ''}${config.type}(${input})`;
  const netInput: GraphNode = {
    id: z,
    label: `${z} = ${product}${bias ? ` + ${b}` : ''}`,
    kind: 'operation',
    shape: [rows, units],
    parents: [input, ...(scaled ? [W] : []), ...(bias ? [b] : [])],
    value: seen?.netInput ?? null,
    gradient: seen?.delta ?? null,
  };
  const output: GraphNode = {
    id: x,
    label: isMask(layer) ? `${x} = ${config.type}(${input})` : `${x} = ${activation.name}(${z})`,
    kind: 'operation',
    shape: [rows, units],
    parents: [isMask(layer) ? input : z],
    value: seen?.output ?? null,
    gradient: seen?.outputGradient ?? null,
  };
  if (isMask(layer)) return [output];
  return [...(scaled ? [weights] : []), ...(bias ? [biases] : []), netInput, output];
}

function requireOfModel({ layers }: Model, inspection: Inspection): void {
  const seen = inspection.layers.map(({ weights }) => `${weights.rows} x ${weights.columns}`).join(', ');
  const own = layers.map(({ units, weightRows }) => `${units} x ${weightRows}`).join(', ');
  if (seen === own) return;
  const rule = `the inspection must be of a network with weights ${own}`;
  throw typeError('Cannot make graph', rule, fact(seen));
}
