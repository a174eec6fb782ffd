/**
 * The safetensors format (https://github.com/huggingface/safetensors): 8 bytes with the length N of the header (unsigned,
 * little-endian), N bytes of JSON, then the numbers of all tensors, little-endian and row-major. The header maps each
 * name to `{ dtype, shape, data_offsets: [begin, end] }`, offsets counted from the end of the header, and
 * `__metadata__` to an object of strings.
 */
/** Arrays by the name of the element type. Types that JavaScript lacks are kept as their bits. */
export interface TensorArrays {
  BOOL: Uint8Array;
  U8: Uint8Array;
  I8: Int8Array;
  I16: Int16Array;
  U16: Uint16Array;
  /** Bits of 16-bit floats. */
  F16: Uint16Array;
  BF16: Uint16Array;
  I32: Int32Array;
  U32: Uint32Array;
  F32: Float32Array;
  I64: BigInt64Array;
  U64: BigUint64Array;
  F64: Float64Array;
}

export type TensorType = keyof TensorArrays;

/** A tensor: `data` has as many numbers as the product of `shape`, the last dimension running fastest. */
export type Tensor = {
  [T in TensorType]: { readonly dtype: T; readonly shape: readonly number[]; readonly data: TensorArrays[T] };
}[TensorType];

export type ArrayConstructor = {
  new (buffer: ArrayBufferLike, offset: number, length: number): TensorArrays[TensorType];
  readonly BYTES_PER_ELEMENT: number;
};

export const arrays: ReadonlyMap<string, ArrayConstructor> = new Map<TensorType, ArrayConstructor>([
  ['BOOL', Uint8Array],
  ['U8', Uint8Array],
  ['I8', Int8Array],
  ['I16', Int16Array],
  ['U16', Uint16Array],
  ['F16', Uint16Array],
  ['BF16', Uint16Array],
  ['I32', Int32Array],
  ['U32', Uint32Array],
  ['F32', Float32Array],
  ['I64', BigInt64Array],
  ['U64', BigUint64Array],
  ['F64', Float64Array],
]);

/** What a file holds, in the order of the numbers in it. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

export const LENGTH_BYTES = 8;
/** The format's limit on the header. */
export const MAXIMUM_HEADER_BYTES = 100_000_000;
export const METADATA = '__metadata__';

/** Surrogates without their other half, which UTF-8 cannot hold. */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

/** Product of a shape; null beyond 2^53 − 1. */
export function sizeOf(shape: readonly number[]): number | null {
  let size = 1;
  for (const length of shape) {
    size *= length;
    if (!Number.isSafeInteger(size)) return null;
  }
  return size;
}

export const isShape = (shape: unknown): shape is number[] =>
  Array.isArray(shape) && shape.every((length) => Number.isSafeInteger(length) && length >= 0);
