/**
 * A multilayer perceptron as an ONNX file: Gemm and Relu for each layer, Softmax at the end. Protocol buffers are
 * written by hand, since only five messages are needed: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

import type { StepData } from './step-cases.js';

/** A field of a message: its number, then a varint, or bytes with their length. */
function varint(value: number): number[] {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

const integer = (field: number, value: number): Uint8Array =>
  Uint8Array.from([...varint(field * 8), ...varint(value)]);

function bytes(field: number, contents: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([...varint(field * 8 + 2), ...varint(contents.length)]), contents]);
}

const text = (field: number, value: string) => bytes(field, Buffer.from(value));
const message = (field: number, ...fields: Uint8Array[]) => bytes(field, Buffer.concat(fields));

const FLOAT = 1;
const INT_ATTRIBUTE = 2;
/** Both older than any runtime in use. */
const IR_VERSION = 8;
const OPSET = 13;

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9. */
function tensor(name: string, dims: number[], values: Float32Array): Uint8Array {
  const raw = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return message(5, ...dims.map((dim) => integer(1, dim)), integer(2, FLOAT), text(8, name), bytes(9, raw));
}

/** NodeProto: input 1, output 2, op_type 4, attribute 5 (name 1, i 3, type 20). */
function node(operation: string, inputs: string[], output: string, attributes: Record<string, number> = {}) {
  return message(
    1,
    ...inputs.map((input) => text(1, input)),
    text(2, output),
    text(4, operation),
    ...Object.entries(attributes).map(([name, value]) =>
      message(5, text(1, name), integer(3, value), integer(20, INT_ATTRIBUTE)),
    ),
  );
}

/** ValueInfoProto: name 1, type 2; a tensor of any number of rows. */
function value(field: number, name: string, columns: number): Uint8Array {
  const shape = message(2, message(1, text(2, 'rows')), message(1, integer(1, columns)));
  return message(field, text(1, name), message(2, message(1, integer(1, FLOAT), shape)));
}

/** The network with relu in between and softmax at the end, from `x0` to the last `x`. */
export function encodeOnnx(sizes: number[], layers: StepData['layers']): Uint8Array {
  const last = layers.length;
  const nodes = layers.flatMap((_, index) => {
    const layer = index + 1;
    const gemm = node('Gemm', [`x${index}`, `W${layer}`, `b${layer}`], `z${layer}`, { transB: 1 });
    return [gemm, node(layer === last ? 'Softmax' : 'Relu', [`z${layer}`], `x${layer}`)];
  });
  const initializers = layers.flatMap(({ weights, biases }, index) => [
    tensor(`W${index + 1}`, [sizes[index + 1], sizes[index]], weights),
    tensor(`b${index + 1}`, [sizes[index + 1]], biases),
  ]);
  const ends = [value(11, 'x0', sizes[0]), value(12, `x${last}`, sizes[last])];
  // ModelProto: ir_version 1, graph 7 (node 1, name 2, initializer 5, input 11, output 12), opset_import 8.
  const graph = message(7, ...nodes, text(2, 'mlp'), ...initializers, ...ends);
  return Buffer.concat([integer(1, IR_VERSION), graph, message(8, integer(2, OPSET))]);
}
