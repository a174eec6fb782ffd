import { open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fact, typeError } from '../errors.js';
import { formatError } from './format-wording.js';
import { headerLength } from './safetensors-decoding.js';

function pathOf(action: string, path: string | URL): string {
  if (/^(indexeddb|downloads):\/\//.test(String(path)))
    throw typeError(
      action,
      "Node has paths and file URLs; 'indexeddb://' and 'downloads://' need a browser",
      String(path),
    );
  return path instanceof URL ? fileURLToPath(path) : path;
}

/**
 * Writes a file whole or not at all: to a temporary file in the same folder, flushed to the disk, renamed, and the
 * folder flushed. Whatever happens meanwhile, `path` holds either what it held before or all of `bytes`.
 *
 * @throws the file system's error; the temporary file is removed
 */
export async function writeFileWhole(path: string | URL, bytes: Uint8Array): Promise<void> {
  const given = pathOf('Cannot write file', path);
  // A link stays one: what it points to is replaced.
  const target = await realpath(given).catch(() => given);
  const folder = dirname(target);
  const temporary = join(folder, `.${basename(target)}.${crypto.randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Makes a rename last through a power failure. Windows flushes no folders. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Node reads at most so many bytes into one array. */
const MAXIMUM_FILE_BYTES = 2 ** 32 - 1;

/**
 * Bytes of a safetensors file. What its first bytes say of the header is checked before room is made for the rest.
 *
 * @throws the file system's error if the file cannot be read, FormatError if it is no safetensors file
 */
export async function readSafetensorsFile(path: string | URL): Promise<Uint8Array> {
  const action = `Cannot read ${pathOf('Cannot read file', path)}`;
  const file = await open(path, 'r');
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw formatError(action, 'it must be a file', fact('something else'));
    if (stat.size > MAXIMUM_FILE_BYTES) {
      throw formatError(action, `a file may have at most ${MAXIMUM_FILE_BYTES} bytes`, stat.size);
    }
    const start = new Uint8Array(8);
    await file.read(start, 0, start.length, 0);
    headerLength(action, start, stat.size);
    const bytes = new Uint8Array(stat.size);
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, done, Math.min(bytes.length - done, 2 ** 30), done);
      if (bytesRead === 0) {
        throw formatError(action, `the file must keep its ${bytes.length} bytes while it is read`, done);
      }
      done += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}
