import { type Node, nodesBelow, operandsOf } from '../expression/nodes.js';
import type { Model } from '../model.js';
import { BinaryCode, ExtentCode, RowCode, UnaryCode } from '../opcodes.js';
import type { Emitter } from './emitter.js';
import type { Layout } from './layout.js';

/** Where the value of a node lies, and how it is repeated over a batch. */
export interface Place {
  readonly offset: number;
  readonly extent: ExtentCode;
}

/** An expression to compute, and where its value is to go. */
export interface Target {
  readonly root: Node;
  readonly offset: number;
  /** `full` where one number per row, or one for all, is to be repeated over the units. */
  readonly extent: 'full' | 'row';
}

const isInner = (node: Node): boolean => operandsOf(node).length > 0;

/** An elementwise operation may write over its operands; one that reads whole rows may not. */
const mayOverwrite = (node: Node): boolean => node.kind !== 'row';

/**
 * Lowers the expressions of one layer or loss to operations of the plan, one an inner node. Stages are emitted one
 * after the other in a program (forward, then backward): a later one finds what an earlier one computed, and buffers
 * whose value nobody needs any more are used again.
 */
export class ExpressionLowering {
  readonly #places = new Map<Node, Place>();
  readonly #stages: readonly (readonly Target[])[];
  readonly #inner: Node[][] = [];
  readonly #units: number;

  /** @param inputs places of the nodes that are given, constants aside, which `constantPlace` has placed before */
  constructor(
    units: number,
    layout: Layout,
    name: string,
    inputs: ReadonlyMap<Node, Place>,
    stages: readonly (readonly Target[])[],
  ) {
    this.#units = units;
    this.#stages = stages;
    for (const [node, place] of inputs) this.#places.set(node, place);
    const seen = new Set<Node>();
    for (const targets of stages) {
      const fresh = nodesBelow(targets.map(({ root }) => root)).filter((node) => !seen.has(node));
      for (const node of fresh) seen.add(node);
      this.#inner.push(fresh.filter(isInner));
    }
    for (const node of seen) {
      const place = constantPlace(layout, node);
      if (place) this.#places.set(node, place);
    }
    this.#placeResults(layout, name);
  }

  /** Emits stage `index`. */
  emit(emitter: Emitter, index: number): void {
    for (const node of this.#inner[index]) this.#emitNode(emitter, node);
    for (const { root, offset } of this.#stages[index]) {
      if (this.#placeOf(root).offset !== offset) this.#emitCopy(emitter, root, offset);
    }
  }

  /** Gives every inner node a buffer, in the order of computation. */
  #placeResults(layout: Layout, name: string): void {
    const order = this.#inner.flat();
    const position = new Map(order.map((node, index) => [node, index]));
    const lastUse = new Map<Node, number>();
    for (const node of order)
      for (const operand of operandsOf(node)) lastUse.set(operand, position.get(node) as number);
    let end = 0;
    for (const [stage, targets] of this.#stages.entries()) {
      end += this.#inner[stage].length;
      for (const { root } of targets) lastUse.set(root, Math.max(lastUse.get(root) ?? 0, end));
    }
    const fitting = this.#stages.flat().filter(({ root, extent }) => root.extent === extent);
    const fixed = new Map(fitting.map(({ root, offset }) => [root, offset]));
    const free: Record<'full' | 'row', number[]> = { full: [], row: [] };
    const temporaries = new Map<Node, 'full' | 'row'>();
    let count = 0;
    const release = (operands: readonly Node[], now: number): void => {
      for (const operand of new Set(operands)) {
        const width = temporaries.get(operand);
        if (width && lastUse.get(operand) === now)
          free[width].push((this.#places.get(operand) as Place).offset);
      }
    };
    order.forEach((node, now) => {
      const width = node.extent === 'row' ? 'row' : 'full';
      const operands = operandsOf(node);
      if (mayOverwrite(node)) release(operands, now);
      let offset = fixed.get(node);
      if (offset === undefined) {
        offset =
          free[width].pop() ??
          layout.addPerRow(`${name}.${++count}`, width === 'row' ? 1 : this.#units, 'scratch');
        temporaries.set(node, width);
      }
      this.#places.set(node, { offset, extent: ExtentCode[width] });
      if (!mayOverwrite(node)) release(operands, now);
    });
  }

  #placeOf(node: Node): Place {
    const place = this.#places.get(node);
    if (!place) throw new Error(`expression: a ${node.kind} node has no place`);
    return place;
  }

  #emitNode(emitter: Emitter, node: Node): void {
    const { offset: output } = this.#placeOf(node);
    const columns = node.extent === 'row' ? 1 : this.#units;
    switch (node.kind) {
      case 'unary': {
        const a = this.#placeOf(node.a);
        emitter.emit('map_unary', {
          a: a.offset,
          aExtent: a.extent,
          output,
          columns,
          function: UnaryCode[node.name],
        });
        return;
      }
      case 'binary': {
        this.#emitBinary(
          emitter,
          BinaryCode[node.name],
          this.#placeOf(node.a),
          this.#placeOf(node.b),
          output,
          columns,
        );
        return;
      }
      case 'where': {
        const [condition, a, b] = [node.condition, node.a, node.b].map((operand) => this.#placeOf(operand));
        emitter.emit('map_where', {
          condition: condition.offset,
          conditionExtent: condition.extent,
          a: a.offset,
          aExtent: a.extent,
          b: b.offset,
          bExtent: b.extent,
          output,
          columns,
        });
        return;
      }
      case 'row': {
        const a = this.#placeOf(node.a);
        const operands = { a: a.offset, aExtent: a.extent, output, columns: this.#units };
        emitter.emit('map_row', { ...operands, function: RowCode[node.name] });
        return;
      }
    }
  }

  /** A root that is given, or that a stage wants in a second place. */
  #emitCopy(emitter: Emitter, root: Node, output: number): void {
    const place = this.#placeOf(root);
    emitter.emit('map_unary', {
      a: place.offset,
      aExtent: place.extent,
      output,
      columns: this.#units,
      function: UnaryCode.copy,
    });
  }

  #emitBinary(emitter: Emitter, code: BinaryCode, a: Place, b: Place, output: number, columns: number): void {
    emitter.emit('map_binary', {
      a: a.offset,
      aExtent: a.extent,
      b: b.offset,
      bExtent: b.extent,
      output,
      columns,
      function: code,
    });
  }
}

/** Name of the buffer that holds a constant; equal constants share one. */
const constantName = (node: Node): string | null => {
  if (node.kind === 'constant') return `constant ${node.value}`;
  return node.kind === 'units' ? `units ${node.values.join()}` : null;
};

/** Roots of all traced expressions of a model. */
function expressionsOf({ layers, loss }: Model): Node[] {
  const traced = [...layers.map(({ activation }) => activation.traced), loss.traced];
  return traced.flatMap((one) => (one ? [one.forward, one.backward] : []));
}

/** Gives the constants of all expressions of a model their places among what outlives a batch. */
export function placeConstants(layout: Layout, model: Model): void {
  for (const node of nodesBelow(expressionsOf(model))) {
    const name = constantName(node);
    if (name === null || layout.find(name)) continue;
    const values = node.kind === 'constant' ? [node.value] : node.kind === 'units' ? node.values : [];
    layout.addConstant(name, values);
  }
}

function constantPlace(layout: Layout, node: Node): Place | null {
  const name = constantName(node);
  if (name === null) return null;
  const buffer = layout.find(name);
  if (!buffer) throw new Error(`expression: ${name} has no place`);
  return { offset: buffer.offset, extent: node.kind === 'units' ? ExtentCode.units : ExtentCode.constant };
}
