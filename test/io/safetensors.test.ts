import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, FormatError, type Tensor } from '../../src/index.js';
import { crc32 } from '../../src/io/crc32.js';
import { readSafetensorsFile, writeFileWhole } from '../../src/io/files.js';

const tensors: [string, Tensor][] = [
  ['b', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 255) }],
  ['a', { dtype: 'F32', shape: [2, 2], data: Float32Array.of(1.5, -0, Number.NaN, 1e-45) }],
  ['scalar', { dtype: 'F64', shape: [], data: Float64Array.of(Math.PI) }],
  ['empty', { dtype: 'I32', shape: [2, 0], data: new Int32Array(0) }],
  ['é "quoted"\n', { dtype: 'I64', shape: [1], data: BigInt64Array.of(-(2n ** 63n)) }],
  ['u', { dtype: 'U32', shape: [1], data: Uint32Array.of(2 ** 32 - 1) }],
  ['__proto__', { dtype: 'BF16', shape: [1], data: Uint16Array.of(0x3f80) }],
];

const encoder = new TextEncoder();

/** A file with this text as its header and `data` bytes behind it. */
function fileOf(header: string | Uint8Array, data = 0): Uint8Array {
  const text = typeof header === 'string' ? encoder.encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const entry = (dtype: string, shape: string, begin: number | string, end: number | string): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

describe('encodeSafetensors', () => {
  const bytes = encodeSafetensors(tensors, { note: 'x' });
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));

  it('writes what decodeSafetensors reads, bit for bit', () => {
    const { tensors: read, metadata } = decodeSafetensors(bytes);
    expect(metadata).toEqual({ note: 'x' });
    expect(new Map([...read].sort())).toEqual(new Map([...tensors].sort()));
    expect(Object.is((read.get('a') as Tensor).data[1], -0)).toBe(true);
  });

  it('aligns the header and every tensor, the widest first, then by name', () => {
    expect(length % 8).toBe(0);
    const { tensors: read } = decodeSafetensors(bytes);
    expect([...read.keys()]).toEqual(['scalar', 'é "quoted"\n', 'a', 'empty', 'u', '__proto__', 'b']);
    for (const { data } of read.values()) {
      expect(data.buffer).toBe(bytes.buffer);
      expect(data.byteOffset % data.BYTES_PER_ELEMENT).toBe(0);
    }
  });

  it('is read from any place in a buffer', () => {
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    const buffer = Buffer.from(bytes);
    for (const one of [shifted, buffer]) {
      expect(new Map([...decodeSafetensors(one).tensors].sort())).toEqual(new Map([...tensors].sort()));
    }
  });

  it.each<[string, () => unknown]>([
    ["names must be different: received 'b'", () => encodeSafetensors([tensors[0], tensors[0]])],
    [
      'a name must be well-formed text other than __metadata__',
      () => encodeSafetensors([['__metadata__', tensors[0][1]]]),
    ],
    ['a name must be well-formed text', () => encodeSafetensors([['\ud800', tensors[0][1]]])],
    [
      'must have the size of its shape [4]',
      () => encodeSafetensors([['x', { ...tensors[0][1], shape: [4] } as Tensor]]),
    ],
    [
      'shape of x must be integers >= 0',
      () => encodeSafetensors([['x', { ...tensors[0][1], shape: [-3] } as Tensor]]),
    ],
    [
      'data of x, of dtype F32, must be a Float32Array',
      () => encodeSafetensors([['x', { ...tensors[0][1], dtype: 'F32' } as never]]),
    ],
    [
      'dtype of x must be one of BOOL',
      () => encodeSafetensors([['x', { ...tensors[0][1], dtype: 'C64' } as never]]),
    ],
    ["metadata 'x' must be a string: received 3", () => encodeSafetensors([], { x: 3 } as never)],
  ])('refuses: %s', (message, call) => expect(call).toThrow(message));
});

describe('decodeSafetensors refuses', () => {
  const four = '[4]';
  it.each<[string, Uint8Array]>([
    ['data must have at least 10 bytes: received 0 bytes', new Uint8Array(0)],
    ['data must have at least 10 bytes: received 9 bytes', fileOf('{').subarray(0, 9)],
    [
      'the header must have from 2 to 100000000 bytes',
      fileOf('{}').map((byte, at) => (at === 7 ? 255 : byte)),
    ],
    [
      'and end within the 12 bytes of the file: received 5 bytes',
      fileOf('{}', 2).map((byte, at) => (at === 0 ? 5 : byte)),
    ],
    ['must begin with \'{\': received " "', fileOf(' {}')],
    ['must begin with \'{\': received "["', fileOf('[]')],
    ["must begin with '{'", fileOf('\ufeff{}')],
    ['the header must be UTF-8', fileOf(Uint8Array.of(0x7b, 0xff, 0x7d))],
    ['the header must be JSON', fileOf('{"a"}')],
    ['the header must be JSON: received a string without end', fileOf('{"a\\"}')],
    ['the header must be JSON: received a malformed string', fileOf('{"\\x":1}')],
    ['the header must be JSON', fileOf('{} {}')],
    [
      'must not have a key twice: received "a"',
      fileOf(`{"a":${entry('U8', '[0]', 0, 0)},"a":${entry('U8', '[0]', 0, 0)}}`),
    ],
    ['must not have a key twice: received "\\u0061"', fileOf('{"a":{},"\\u0061":{}}')],
    ['must not have a key twice: received "dtype"', fileOf('{"a":{"dtype":"U8","dtype":"U8"}}')],
    ['must nest at most 3 levels', fileOf('{"a":{"shape":[[]]}}')],
    ['must nest at most 3 levels', fileOf(`{"a":${'['.repeat(100_000)}`)],
    ['must hold only strings and integers >= 0: received "-"', fileOf(`{"a":${entry('U8', '[-1]', 0, 0)}}`)],
    [
      'must hold only strings and integers >= 0: received "."',
      fileOf(`{"a":${entry('U8', '[1.0]', 0, 1)}}`, 1),
    ],
    ['must hold only strings and integers >= 0: received "n"', fileOf('{"a":null}')],
    ["the entry of 'a' must have dtype, shape, data_offsets: received 3", fileOf('{"a":3}')],
    ["received keys 'dtype, shape'", fileOf('{"a":{"dtype":"U8","shape":[1]}}')],
    [
      "received keys 'dtype, shape, data_offsets, x'",
      fileOf('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1}}', 1),
    ],
    ["dtype of 'a' must be one of BOOL, U8", fileOf(`{"a":${entry('F128', four, 0, 4)}}`, 4)],
    ["shape of 'a' must be a list of integers >= 0", fileOf(`{"a":${entry('U8', '4', 0, 4)}}`, 4)],
    ["shape of 'a' must be a list", fileOf(`{"a":${entry('U8', '[9007199254740993]', 0, 4)}}`, 4)],
    [
      "data_offsets of 'a' must be [begin, end] with begin <= end",
      fileOf(`{"a":${entry('U8', four, 4, 0)}}`, 4),
    ],
    [
      'must span the bytes of F32 numbers of its shape: received 4 bytes for [4]',
      fileOf(`{"a":${entry('F32', four, 0, 4)}}`, 4),
    ],
    [
      '4 bytes for [4294967296, 4294967296]',
      fileOf(`{"a":${entry('U8', '[4294967296,4294967296]', 0, 4)}}`, 4),
    ],
    ["data of 'a' must begin where that before it ends, at 0", fileOf(`{"a":${entry('U8', four, 1, 5)}}`, 5)],
    [
      "data of 'b' must begin where that before it ends, at 4",
      fileOf(`{"a":${entry('U8', four, 0, 4)},"b":${entry('U8', four, 3, 7)}}`, 7),
    ],
    [
      "data of 'b' must begin where that before it ends, at 4",
      fileOf(`{"b":${entry('U8', four, 5, 9)},"a":${entry('U8', four, 0, 4)}}`, 9),
    ],
    [
      'the tensors must have 5 bytes, as the file has after its header: received 4',
      fileOf(`{"a":${entry('U8', four, 0, 4)}}`, 5),
    ],
    ['the tensors must have 3 bytes', fileOf(`{"a":${entry('U8', four, 0, 4)}}`, 3)],
    ['__metadata__ must be an object of strings', fileOf('{"__metadata__":{"a":1}}')],
    ['__metadata__ must be an object of strings', fileOf('{"__metadata__":["a"]}')],
    ['__metadata__ must be an object of strings', fileOf('{"__metadata__":{"a":"\\ud800"}}')],
    ['names must be well-formed text', fileOf(`{"\\udc00":${entry('U8', '[0]', 0, 0)}}`)],
  ])('%s', (message, bytes) => {
    expect(() => decodeSafetensors(bytes)).toThrow(message);
    expect(() => decodeSafetensors(bytes)).toThrow(FormatError);
  });

  it('what is no Uint8Array', () => {
    expect(() => decodeSafetensors('{}' as never)).toThrow('data must be a Uint8Array');
  });

  it('long hostile headers in time that grows with their length', () => {
    const hostile = [
      `{"${'\\\\'.repeat(500_000)}`,
      `{${'"a":'.repeat(400_000)}`,
      `{"a":"${'\\"'.repeat(500_000)}`,
    ];
    for (const header of hostile) {
      const began = performance.now();
      expect(() => decodeSafetensors(fileOf(header))).toThrow(FormatError);
      expect(performance.now() - began).toBeLessThan(5000);
    }
  });
});

it('a header of other software is read: any order, spaces, no padding', () => {
  const header = `{ "z" : ${entry('U8', '[1]', 4, 5)},\n"y":{"data_offsets":[0,4],"shape":[1],"dtype":"F32"} }   `;
  const { tensors: read } = decodeSafetensors(fileOf(header, 5));
  expect([...read].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
    ['y', 'F32', [1]],
    ['z', 'U8', [1]],
  ]);
});

it('crc32 is that of zlib', () => {
  expect(crc32(encoder.encode('123456789'))).toBe(0xcbf43926);
  expect(crc32(encoder.encode('6789'), crc32(encoder.encode('12345')))).toBe(0xcbf43926);
});

describe('files', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fastmlp files-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const bytes = encodeSafetensors(tensors);

  it('are written whole and leave nothing else in the folder', async () => {
    const path = join(folder, 'a.safetensors');
    writeFileSync(path, 'old');
    await writeFileWhole(path, bytes);
    expect(await readSafetensorsFile(path)).toEqual(bytes);
    await writeFileWhole(new URL(`file://${path.replaceAll(' ', '%20')}`), bytes);
    expect(readdirSync(folder)).toEqual(['a.safetensors']);
  });

  it('that cannot be written leave the old one as it was', async () => {
    const path = join(folder, 'a.safetensors');
    await expect(writeFileWhole(path, 3 as never)).rejects.toThrow();
    await expect(writeFileWhole(join(folder, 'none', 'a'), bytes)).rejects.toThrow('ENOENT');
    expect(readdirSync(folder)).toEqual(['a.safetensors']);
    expect(readFileSync(path)).toEqual(Buffer.from(bytes));
  });

  it.skipIf(process.platform === 'win32')('behind a link are replaced, the link stays', async () => {
    const [link, path] = [join(folder, 'link'), join(folder, 'a.safetensors')];
    symlinkSync(path, link);
    await writeFileWhole(link, encodeSafetensors([]));
    expect(statSync(path).size).toBe(encodeSafetensors([]).length);
    expect(readdirSync(folder).sort()).toEqual(['a.safetensors', 'link']);
  });

  it('that are no safetensors are refused by their first bytes', async () => {
    const path = join(folder, 'sparse');
    writeFileSync(path, fileOf('{}').fill(0xee, 0, 8));
    truncateSync(path, 2 ** 31);
    await expect(readSafetensorsFile(path)).rejects.toThrow(FormatError);
    await expect(readSafetensorsFile(folder)).rejects.toThrow('it must be a file');
    await expect(readSafetensorsFile(join(folder, 'none'))).rejects.toThrow('ENOENT');
    rmSync(path);
  });

  const python = ['/usr/bin/python3', 'python3'].find(
    (one) => spawnSync(one, ['-c', 'import numpy']).status === 0,
  );
  if (!python) console.info('python3 with numpy is not there: no other reader looks at the files');

  it.skipIf(!python)('are read by numpy from the definition of the format', async () => {
    const path = join(folder, 'numpy.safetensors');
    await writeFileWhole(path, encodeSafetensors(tensors.slice(0, 6), { format: 'pt' }));
    const script = `
import json, struct, sys
import numpy
data = open(sys.argv[1], 'rb').read()
(length,) = struct.unpack('<Q', data[:8])
header = json.loads(data[8:8 + length])
types = {'U8': '<u1', 'F32': '<f4', 'F64': '<f8', 'I32': '<i4', 'I64': '<i8', 'U32': '<u4'}
assert header.pop('__metadata__') == {'format': 'pt'}
body = data[8 + length:]
found = {}
for name, info in header.items():
    begin, end = info['data_offsets']
    array = numpy.frombuffer(body[begin:end], types[info['dtype']]).reshape(info['shape'])
    found[name] = [list(array.shape), [repr(value.item()) for value in array.flatten()]]
print(json.dumps(found))
`;
    const found = JSON.parse(execFileSync(python as string, ['-c', script, path], { encoding: 'utf8' }));
    expect(found).toEqual({
      b: [[3], ['1', '2', '255']],
      a: [
        [2, 2],
        ['1.5', '-0.0', 'nan', '1.401298464324817e-45'],
      ],
      scalar: [[], ['3.141592653589793']],
      empty: [[2, 0], []],
      'é "quoted"\n': [[1], ['-9223372036854775808']],
      u: [[1], ['4294967295']],
    });
  });
});
