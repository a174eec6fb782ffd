import { rangeError, typeError } from '../errors.js';
import {
  arrays,
  isShape,
  isWellFormed,
  LENGTH_BYTES,
  MAXIMUM_HEADER_BYTES,
  METADATA,
  sizeOf,
  type Tensor,
} from './safetensors-layout.js';

const ALIGNMENT_BYTES = 8;

/**
 * Bytes of a safetensors file. The widest types come first, then by name, so that every tensor is aligned.
 *
 * @param tensors names with tensors, such as a Map
 * @throws TypeError or RangeError for data that is not of its type or shape, a name used twice, or a value of the
 *   metadata that is no string
 * @example encodeSafetensors([['0.bias', { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) }]])
 */
export function encodeSafetensors(
  tensors: Iterable<readonly [name: string, tensor: Tensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const action = 'Cannot write safetensors';
  const named = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    checkTensor(action, name, tensor);
    if (named.has(name)) throw rangeError(action, 'names must be different', name);
    named.set(name, tensor);
  }
  const width = ({ data }: Tensor): number => data.BYTES_PER_ELEMENT;
  const sorted = [...named].sort(
    ([a, first], [b, second]) => width(second) - width(first) || (a < b ? -1 : 1),
  );
  const entries: string[] = [];
  if (Object.keys(metadata).length > 0) entries.push(`"${METADATA}":${metadataText(action, metadata)}`);
  let end = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    const begin = end;
    end += data.byteLength;
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`);
  }
  const header = new TextEncoder().encode(`{${entries.join(',')}}`);
  const padded = Math.ceil(header.length / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  if (padded > MAXIMUM_HEADER_BYTES) {
    throw rangeError(action, `the header must have at most ${MAXIMUM_HEADER_BYTES} bytes`, padded);
  }
  const bytes = new Uint8Array(LENGTH_BYTES + padded + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + padded);
  bytes.set(header, LENGTH_BYTES);
  let offset = LENGTH_BYTES + padded;
  for (const [, { data }] of sorted) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

function checkTensor(action: string, name: string, tensor: Tensor): void {
  if (typeof name !== 'string' || name === METADATA || !isWellFormed(name)) {
    throw rangeError(action, `a name must be well-formed text other than ${METADATA}`, name);
  }
  const { dtype, shape, data } = tensor;
  const array = arrays.get(dtype);
  if (!array)
    throw rangeError(action, `dtype of ${name} must be one of ${[...arrays.keys()].join(', ')}`, dtype);
  if (!(data instanceof array)) {
    throw typeError(
      action,
      `data of ${name}, of dtype ${dtype}, must be a ${(array as { name?: string }).name}`,
      data,
    );
  }
  if (!isShape(shape)) throw rangeError(action, `shape of ${name} must be integers >= 0`, shape);
  if (sizeOf(shape) !== data.length) {
    throw rangeError(action, `data of ${name} must have the size of its shape [${shape.join(', ')}]`, data);
  }
}

function metadataText(action: string, metadata: Readonly<Record<string, string>>): string {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw typeError(action, `metadata '${key}' must be a string`, value);
    if (!isWellFormed(key + value)) throw rangeError(action, 'metadata must be well-formed text', value);
  }
  return JSON.stringify(metadata);
}
