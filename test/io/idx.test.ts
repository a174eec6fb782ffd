import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IdxArray, type IdxType, parseIdx } from '../../src/io/idx.js';

interface Element {
  type: IdxType;
  code: number;
  bytes: number;
  write(view: DataView, offset: number, value: number): void;
  values: fc.Arbitrary<number>;
}

const elements: Element[] = [
  {
    type: 'uint8',
    code: 8,
    bytes: 1,
    write: (v, o, x) => v.setUint8(o, x),
    values: fc.integer({ min: 0, max: 255 }),
  },
  {
    type: 'int8',
    code: 9,
    bytes: 1,
    write: (v, o, x) => v.setInt8(o, x),
    values: fc.integer({ min: -128, max: 127 }),
  },
  {
    type: 'int16',
    code: 11,
    bytes: 2,
    write: (v, o, x) => v.setInt16(o, x),
    values: fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }),
  },
  { type: 'int32', code: 12, bytes: 4, write: (v, o, x) => v.setInt32(o, x), values: fc.integer() },
  { type: 'float32', code: 13, bytes: 4, write: (v, o, x) => v.setFloat32(o, x), values: fc.float() },
  { type: 'float64', code: 14, bytes: 8, write: (v, o, x) => v.setFloat64(o, x), values: fc.double() },
];

function encode(element: Element, shape: number[], values: number[]): Uint8Array {
  const headerBytes = 4 + 4 * shape.length;
  const bytes = new Uint8Array(headerBytes + values.length * element.bytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, (element.code << 8) | shape.length);
  shape.forEach((size, i) => {
    view.setUint32(4 + 4 * i, size);
  });
  values.forEach((value, i) => {
    element.write(view, headerBytes + i * element.bytes, value);
  });
  return bytes;
}

const header = (code: number, shape: number[]): Uint8Array => encode({ ...elements[0]!, code }, shape, []);

const encodedArrays = fc
  .record({
    element: fc.constantFrom(...elements),
    shape: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }),
  })
  .chain(({ element, shape }) => {
    const length = shape.reduce((product, size) => product * size, 1);
    return fc.record({
      element: fc.constant(element),
      shape: fc.constant(shape),
      values: fc.array(element.values, { minLength: length, maxLength: length }),
    });
  });

describe('parseIdx reads', () => {
  it('back what was encoded, for every element type', () => {
    const seen = new Set<IdxType>();
    fc.assert(
      fc.property(encodedArrays, ({ element, shape, values }) => {
        const result = parseIdx(encode(element, shape, values));
        seen.add(result.type);
        expect(result.type).toBe(element.type);
        expect(result.shape).toEqual(shape);
        expect(Array.from(result.data)).toEqual(values);
      }),
      { numRuns: 300 },
    );
    expect([...seen].sort()).toEqual(elements.map(({ type }) => type).sort());
  });

  it.each<[string, number, number[], IdxArray]>([
    ['uint8', 8, [1, 255], { type: 'uint8', shape: [2], data: Uint8Array.of(1, 255) }],
    ['int8', 9, [1, 255], { type: 'int8', shape: [2], data: Int8Array.of(1, -1) }],
    ['int16', 11, [1, 2, 255, 254], { type: 'int16', shape: [2], data: Int16Array.of(258, -2) }],
    [
      'int32',
      12,
      [0, 0, 1, 2, 128, 0, 0, 0],
      { type: 'int32', shape: [2], data: Int32Array.of(258, -(2 ** 31)) },
    ],
    [
      'float32',
      13,
      [63, 192, 0, 0, 192, 0, 0, 0],
      { type: 'float32', shape: [2], data: Float32Array.of(1.5, -2) },
    ],
    [
      'float64',
      14,
      [63, 248, 0, 0, 0, 0, 0, 0, 192, 0, 0, 0, 0, 0, 0, 0],
      { type: 'float64', shape: [2], data: Float64Array.of(1.5, -2) },
    ],
  ])('big-endian %s', (_name, code, body, expected) => {
    expect(parseIdx(Uint8Array.of(...header(code, [2]), ...body))).toStrictEqual(expected);
  });

  it('a view that starts inside its buffer', () => {
    const padded = Uint8Array.of(9, 9, 9, 0, 0, 11, 1, 0, 0, 0, 1, 1, 2, 9);
    expect(parseIdx(padded.subarray(3, 13)).data).toEqual(Int16Array.of(258));
  });

  it('into memory of its own', () => {
    const bytes = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 7);
    const { data } = parseIdx(bytes);
    bytes.fill(0);
    expect(data).toEqual(Uint8Array.of(5, 7));
  });

  it('an empty array whose other dimensions are huge', () => {
    const { shape, data } = parseIdx(header(14, [2 ** 32 - 1, 2 ** 32 - 1, 0]));
    expect(shape).toEqual([2 ** 32 - 1, 2 ** 32 - 1, 0]);
    expect(data).toHaveLength(0);
  });
});

describe('parseIdx refuses', () => {
  const refusal = (bytes: Uint8Array): Error => {
    try {
      parseIdx(bytes);
    } catch (error) {
      return error as Error;
    }
    throw new Error('parseIdx accepted malformed data');
  };
  const message = (bytes: Uint8Array): string => {
    const error = refusal(bytes);
    expect(error).toBeInstanceOf(RangeError);
    return error.message;
  };

  it.each([['text'], [[0, 0, 8, 1]], [new ArrayBuffer(8)], [null], [undefined]])(
    '%o as a type error',
    (value) => {
      const error = refusal(value as unknown as Uint8Array);
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/^Cannot read IDX data: data must be a Uint8Array: received /);
    },
  );

  it('a magic number that does not start with two zeros', () => {
    expect(message(Uint8Array.of(31, 139, 8, 0, 0))).toBe(
      'Cannot read IDX data: byte 0 must be 0: received 31 at offset 0',
    );
    expect(message(Uint8Array.of(0, 1, 8, 1))).toBe(
      'Cannot read IDX data: byte 1 must be 0: received 1 at offset 1',
    );
  });

  it('every element type the format does not have', () => {
    const known = new Set(elements.map(({ code }) => code));
    for (let code = 0; code < 256; code++) {
      if (known.has(code)) continue;
      expect(message(header(code, [0]))).toBe(
        `Cannot read IDX data: byte 2 must be an element type (8, 9, 11, 12, 13 or 14): received ${code} at offset 2`,
      );
    }
  });

  it('no dimensions', () => {
    expect(message(header(8, []))).toBe(
      'Cannot read IDX data: byte 3, the number of dimensions, must be >= 1: received 0 at offset 3',
    );
  });

  it('a file truncated at any byte, naming the length it should have', () => {
    const bytes = encode(elements[2]!, [2, 3], [1, 2, 3, 4, 5, 6]);
    expect(bytes).toHaveLength(24);
    for (let end = 0; end < bytes.length; end++) {
      const rule =
        end < 4
          ? 'the header must have 4 bytes'
          : end < 12
            ? 'the header must have 12 bytes'
            : 'int16 data of shape [2, 3] must have 24 bytes with its header';
      expect(message(bytes.subarray(0, end))).toBe(
        `Cannot read IDX data: ${rule}: received data that ends at offset ${end}`,
      );
    }
    expect(parseIdx(bytes).shape).toEqual([2, 3]);
  });

  it('bytes after the data', () => {
    const bytes = Uint8Array.of(...encode(elements[0]!, [2], [5, 7]), 1, 2, 3);
    expect(message(bytes)).toBe(
      'Cannot read IDX data: uint8 data of shape [2] must have 10 bytes with its header: received 3 more bytes from offset 10 on',
    );
  });

  it('dimensions whose product is far beyond the data, without allocating', () => {
    expect(message(header(8, [2 ** 31]))).toContain('must have 2147483656 bytes');
    expect(message(header(14, [2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1]))).toContain(
      'must have more than 2^53 bytes',
    );
    expect(message(header(8, [2 ** 16, 2 ** 16, 2 ** 16, 2 ** 16]))).toContain(
      'must have more than 2^53 bytes',
    );
  });

  it('255 dimensions of the largest size, in a message of one short line', () => {
    const text = message(header(14, new Array(255).fill(2 ** 32 - 1)));
    expect(text).toContain('(255 dimensions) must have more than 2^53 bytes');
    expect(text.length).toBeLessThan(300);
  });

  it('under the name the caller gives the data', () => {
    expect(() => parseIdx(Uint8Array.of(0, 0), 'labels.idx')).toThrow(
      /^Cannot read labels\.idx: the header must /,
    );
  });

  it('any bytes that are not exactly one array, and nothing else than a RangeError', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(encodedArrays, fc.nat(), fc.integer({ min: 0, max: 255 }))
        .map(([{ element, shape, values }, position, byte]) => {
          const encoded = encode(element, shape, values);
          encoded[position % encoded.length] = byte;
          return encoded;
        }),
    );
    fc.assert(
      fc.property(bytes, (data) => {
        try {
          const result = parseIdx(data);
          const length = result.shape.reduce((product, size) => product * size, 1);
          expect(result.data).toHaveLength(length);
          expect(4 + 4 * result.shape.length + result.data.byteLength).toBe(data.length);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
          expect(error.message).toMatch(/^Cannot read IDX data: .+: received .+/);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
