import { fact, typeError } from '../errors.js';
import { formatError, quoted } from './format-wording.js';
import { scanHeader } from './safetensors-header.js';
import {
  type ArrayConstructor,
  arrays,
  isShape,
  isWellFormed,
  LENGTH_BYTES,
  MAXIMUM_HEADER_BYTES,
  METADATA,
  type Safetensors,
  sizeOf,
  type Tensor,
  type TensorArrays,
  type TensorType,
} from './safetensors-layout.js';

/**
 * Reads a safetensors file. Every rule of the format is checked before a tensor is made: the length of the header, its
 * JSON (an object of strings and non-negative integers, no key twice), types, shapes, and that the ranges of the
 * tensors follow each other without gap or overlap up to the end.
 *
 * Tensors are views of `bytes` where their alignment allows it, else copies.
 *
 * @param source what error messages call it
 * @throws TypeError if `bytes` is no Uint8Array, FormatError if the content is malformed
 */
export function decodeSafetensors(bytes: Uint8Array, source = 'safetensors'): Safetensors {
  const action = `Cannot read ${source}`;
  if (!(bytes instanceof Uint8Array)) throw typeError(action, 'data must be a Uint8Array', bytes);
  const dataBegin = LENGTH_BYTES + headerLength(action, bytes, bytes.length);
  const header = parseHeader(action, bytes.subarray(LENGTH_BYTES, dataBegin));
  const { [METADATA]: metadata, ...entries } = header;
  const infos = Object.entries(entries).map(([name, info]) => checkInfo(action, name, info));
  infos.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const info of infos) {
    if (info.begin !== end) {
      const rule = `data of ${quoted(info.name)} must begin where that before it ends, at ${end}`;
      throw formatError(action, rule, fact(`data_offsets [${info.begin}, ${info.end}]`));
    }
    end = info.end;
  }
  if (end !== bytes.length - dataBegin) {
    throw formatError(
      action,
      `the tensors must have ${bytes.length - dataBegin} bytes, as the file has after its header`,
      end,
    );
  }
  const tensors = new Map<string, Tensor>();
  for (const { name, dtype, shape, begin } of infos) {
    tensors.set(name, {
      dtype,
      shape,
      data: dataOf(bytes, dataBegin + begin, dtype, sizeOf(shape) as number),
    } as Tensor);
  }
  return { tensors, metadata: checkMetadata(action, metadata) };
}

/** Length of the header that a file of `size` bytes announces in its first 8. */
export function headerLength(action: string, start: Uint8Array, size: number): number {
  if (size < LENGTH_BYTES + 2 || start.length < LENGTH_BYTES) {
    throw formatError(action, `data must have at least ${LENGTH_BYTES + 2} bytes`, fact(`${size} bytes`));
  }
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (length < 2n || length > BigInt(Math.min(MAXIMUM_HEADER_BYTES, size - LENGTH_BYTES))) {
    const rule = `the header must have from 2 to ${MAXIMUM_HEADER_BYTES} bytes and end within the ${size} bytes of the file`;
    throw formatError(action, rule, fact(`${length} bytes`));
  }
  return Number(length);
}

function parseHeader(action: string, bytes: Uint8Array): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw formatError(action, 'the header must be UTF-8', fact('other bytes'));
  }
  const problem = scanHeader(text);
  if (problem) throw formatError(action, problem.rule, fact(problem.received));
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw formatError(action, 'the header must be JSON', fact((error as Error).message));
  }
}

interface TensorInfo {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const infoKeys = ['dtype', 'shape', 'data_offsets'];

function checkInfo(action: string, name: string, info: unknown): TensorInfo {
  const of = (what: string): string => `${what} of ${quoted(name)}`;
  if (!isWellFormed(name)) throw formatError(action, 'names must be well-formed text', fact(quoted(name)));
  const isInfo = typeof info === 'object' && info !== null && !Array.isArray(info);
  const keys = isInfo ? Object.keys(info) : [];
  if (keys.length !== infoKeys.length || !infoKeys.every((key) => keys.includes(key))) {
    const received = isInfo ? fact(`keys ${quoted(keys.slice(0, 9).join(', '))}`) : info;
    throw formatError(action, `${of('the entry')} must have ${infoKeys.join(', ')}`, received);
  }
  const { dtype, shape, data_offsets: offsets } = info as Record<string, unknown>;
  const array = typeof dtype === 'string' ? arrays.get(dtype) : undefined;
  if (!array)
    throw formatError(action, `${of('dtype')} must be one of ${[...arrays.keys()].join(', ')}`, dtype);
  if (!isShape(shape)) throw formatError(action, `${of('shape')} must be a list of integers >= 0`, shape);
  if (!isShape(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw formatError(action, `${of('data_offsets')} must be [begin, end] with begin <= end`, offsets);
  }
  const [begin, end] = offsets;
  const size = sizeOf(shape);
  if (size === null || size * array.BYTES_PER_ELEMENT !== end - begin) {
    const rule = `${of('data_offsets')} must span the bytes of ${dtype} numbers of its shape`;
    throw formatError(action, rule, fact(`${end - begin} bytes for ${shapeText(shape)}`));
  }
  return { name, dtype: dtype as string, shape, begin, end };
}

const shapeText = (shape: readonly number[]): string =>
  shape.length <= 8
    ? `[${shape.join(', ')}]`
    : `[${shape.slice(0, 8).join(', ')}, ...] (${shape.length} dimensions)`;

function checkMetadata(action: string, metadata: unknown): Record<string, string> {
  if (metadata === undefined) return {};
  const isObject = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
  const isText = (value: unknown): boolean => typeof value === 'string' && isWellFormed(value);
  if (!isObject || !Object.entries(metadata).every(([key, value]) => isText(key) && isText(value))) {
    const received = isObject ? fact('an object with other values') : metadata;
    throw formatError(action, `${METADATA} must be an object of strings`, received);
  }
  return metadata as Record<string, string>;
}

function dataOf(bytes: Uint8Array, begin: number, dtype: string, length: number): TensorArrays[TensorType] {
  const array = arrays.get(dtype) as ArrayConstructor;
  const offset = bytes.byteOffset + begin;
  if (offset % array.BYTES_PER_ELEMENT === 0) return new array(bytes.buffer, offset, length);
  // `slice` of a Buffer would be a view.
  const copy = Uint8Array.prototype.slice.call(bytes, begin, begin + length * array.BYTES_PER_ELEMENT);
  return new array(copy.buffer, copy.byteOffset, length);
}
