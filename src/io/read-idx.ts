import { readFile } from 'node:fs/promises';
import { fact, rangeError } from '../errors.js';
import { type IdxArray, parseIdx } from './idx.js';

/**
 * Reads an IDX file, gzip-compressed or not (told by its first bytes, not by its name).
 *
 * @throws the file system's error if the file cannot be read, RangeError if its content is malformed
 *
 * @example
 * ```ts
 * const { shape, data } = await readIdx('train-images-idx3-ubyte.gz'); // [60000, 28, 28], Uint8Array
 * ```
 */
export async function readIdx(path: string): Promise<IdxArray> {
  const bytes = await readFile(path);
  const compressed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return parseIdx(compressed ? await decompress(bytes, path) : bytes, path);
}

async function decompress(bytes: Buffer, path: string): Promise<Buffer> {
  // Programs that read nothing compressed start without it, and without node:util.
  const { gunzip } = await import('node:zlib');
  try {
    return await new Promise((resolve, reject) =>
      gunzip(bytes, (error, whole) => (error ? reject(error) : resolve(whole))),
    );
  } catch (error) {
    throw rangeError(`Cannot read ${path}`, 'gzip data must be intact', fact((error as Error).message));
  }
}
