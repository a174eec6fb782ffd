import { fact, rangeError, typeError } from '../errors.js';

/** Array type of the elements, by the name of the element type. */
interface IdxArrays {
  uint8: Uint8Array;
  int8: Int8Array;
  int16: Int16Array;
  int32: Int32Array;
  float32: Float32Array;
  float64: Float64Array;
}

export type IdxType = keyof IdxArrays;

/**
 * The content of an IDX file. `data` has the product of `shape` elements, the last dimension running
 * fastest. Comparing `type` narrows the type of `data`.
 */
export type IdxArray = {
  [T in IdxType]: { readonly type: T; readonly shape: readonly number[]; readonly data: IdxArrays[T] };
}[IdxType];

interface ElementFormat {
  readonly type: IdxType;
  readonly bytes: number;
  create(length: number): IdxArrays[IdxType];
  /** Reads the big-endian element at `offset`. */
  read(view: DataView, offset: number): number;
}

/** Byte 2 of the header to the format of the elements. */
const elementFormats: ReadonlyMap<number, ElementFormat> = new Map<number, ElementFormat>([
  [0x08, { type: 'uint8', bytes: 1, create: (n) => new Uint8Array(n), read: (v, o) => v.getUint8(o) }],
  [0x09, { type: 'int8', bytes: 1, create: (n) => new Int8Array(n), read: (v, o) => v.getInt8(o) }],
  [0x0b, { type: 'int16', bytes: 2, create: (n) => new Int16Array(n), read: (v, o) => v.getInt16(o) }],
  [0x0c, { type: 'int32', bytes: 4, create: (n) => new Int32Array(n), read: (v, o) => v.getInt32(o) }],
  [0x0d, { type: 'float32', bytes: 4, create: (n) => new Float32Array(n), read: (v, o) => v.getFloat32(o) }],
  [0x0e, { type: 'float64', bytes: 8, create: (n) => new Float64Array(n), read: (v, o) => v.getFloat64(o) }],
]);

/** Two zero bytes, the element type and the number of dimensions stand before the dimensions. */
const magicBytes = 4;
const dimensionBytes = 4;

/**
 * Reads the IDX format, in which MNIST and its relatives are published
 * (http://yann.lecun.com/exdb/mnist, "The IDX file format").
 *
 * The header must be valid and the data must have exactly the length it announces; that is checked before
 * anything is allocated. The result is a copy and shares no memory with `bytes`.
 *
 * @param bytes the uncompressed file
 * @param source what error messages call it
 * @throws TypeError if `bytes` is no Uint8Array, RangeError (with the byte offset) if the content is malformed
 *
 * @example
 * ```ts
 * const { shape, data } = parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 7)); // [2], Uint8Array [5, 7]
 * ```
 */
export function parseIdx(bytes: Uint8Array, source = 'IDX data'): IdxArray {
  const action = `Cannot read ${source}`;
  if (!(bytes instanceof Uint8Array)) throw typeError(action, 'data must be a Uint8Array', bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { format, shape } = readHeader(view, action);

  const headerBytes = magicBytes + dimensionBytes * shape.length;
  // Exact for any header: 255 dimensions of 2^32 - 1 overflow a double.
  const expected =
    shape.reduce((product, size) => product * BigInt(size), BigInt(format.bytes)) + BigInt(headerBytes);
  if (expected !== BigInt(bytes.length)) {
    throw rangeError(
      action,
      `${format.type} data of shape ${describeShape(shape)} must have ${describeSize(expected)} bytes with its header`,
      BigInt(bytes.length) < expected
        ? fact(`data that ends at offset ${bytes.length}`)
        : fact(`${BigInt(bytes.length) - expected} more bytes from offset ${expected} on`),
    );
  }

  const length = (bytes.length - headerBytes) / format.bytes;
  const data = format.create(length);
  if (data instanceof Uint8Array) {
    data.set(bytes.subarray(headerBytes));
  } else {
    for (let i = 0; i < length; i++) data[i] = format.read(view, headerBytes + i * format.bytes);
  }
  return { type: format.type, shape, data } as IdxArray;
}

/** Keeps the message to one line for the 255 dimensions a corrupt header may announce. */
const describeShape = (shape: number[]): string =>
  shape.length <= 8
    ? `[${shape.join(', ')}]`
    : `[${shape.slice(0, 8).join(', ')}, ...] (${shape.length} dimensions)`;

const describeSize = (size: bigint): string =>
  size <= BigInt(Number.MAX_SAFE_INTEGER) ? String(size) : 'more than 2^53';

function readHeader(view: DataView, action: string): { format: ElementFormat; shape: number[] } {
  const requireHeader = (length: number): void => {
    if (view.byteLength < length) {
      throw rangeError(
        action,
        `the header must have ${length} bytes`,
        fact(`data that ends at offset ${view.byteLength}`),
      );
    }
  };
  requireHeader(magicBytes);
  for (const offset of [0, 1]) {
    const byte = view.getUint8(offset);
    if (byte !== 0) throw rangeError(action, `byte ${offset} must be 0`, fact(`${byte} at offset ${offset}`));
  }
  const format = elementFormats.get(view.getUint8(2));
  if (format === undefined) {
    throw rangeError(
      action,
      'byte 2 must be an element type (8, 9, 11, 12, 13 or 14)',
      fact(`${view.getUint8(2)} at offset 2`),
    );
  }
  const rank = view.getUint8(3);
  if (rank === 0) {
    throw rangeError(action, 'byte 3, the number of dimensions, must be >= 1', fact('0 at offset 3'));
  }
  requireHeader(magicBytes + dimensionBytes * rank);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(magicBytes + dimensionBytes * i));
  return { format, shape };
}
