/**
 * Model files in a browser: `indexeddb://name`, which keeps the bytes under that name in the object store `models` of the
 * database `fastmlp` of the page's origin, and `downloads://name`, which hands them to the user.
 */
import { fact, stateError, typeError } from '../errors.js';
import type { ModelFiles } from '../model-storage.js';

const DATABASE = 'fastmlp';
const STORE = 'models';
/** No browser says when it has read what it was given to download. */
const READ_MS = 60_000;

/** Scheme and name of a place that a browser has. */
function placeOf(action: string, path: string | URL, rule: string): [scheme: string, name: string] {
  const [, scheme, name] = /^(indexeddb|downloads):\/\/(.*)$/s.exec(String(path)) ?? [];
  if (scheme === undefined) throw typeError(action, rule, String(path));
  if (name === '') throw typeError(action, `a name must follow '${scheme}://'`, String(path));
  return [scheme, name];
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Makes one request in a transaction of its own; resolves when that is complete, which it is whole or not at all. */
async function request<T>(
  action: string,
  mode: IDBTransactionMode,
  make: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  try {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => void opening.result.createObjectStore(STORE);
    const database = await resultOf(opening);
    try {
      // Complete is then what is on the disk, and not what the system has still to write.
      const transaction = database.transaction(STORE, mode, { durability: 'strict' });
      return await new Promise((resolve, reject) => {
        const made = make(transaction.objectStore(STORE));
        transaction.oncomplete = () => resolve(made.result);
        transaction.onabort = () => reject(transaction.error);
      });
    } finally {
      database.close();
    }
  } catch (cause) {
    const error = stateError(action, 'IndexedDB must be there and have room', fact(String(cause)));
    error.cause = cause;
    throw error;
  }
}

/** Hands a file to the user, where the browser puts downloads. */
function download(action: string, name: string, bytes: Uint8Array<ArrayBuffer>): void {
  if (typeof document === 'undefined') {
    throw stateError(action, "'downloads://' needs a page", fact('a call without a document'));
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  link.download = /\.[^./]+$/.test(name) ? name : `${name}.safetensors`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), READ_MS);
}

export const browserFiles: ModelFiles = {
  async read(path) {
    const action = 'Cannot load trainer';
    const rule = "a browser loads 'indexeddb://name', bytes and Blobs; a path needs Node";
    const [scheme, name] = placeOf(action, path, rule);
    if (scheme === 'downloads') {
      throw typeError(
        action,
        "what was downloaded must be given as a Blob, such as the user's File",
        String(path),
      );
    }
    const bytes = await request(action, 'readonly', (store) => store.get(name));
    if (bytes instanceof Uint8Array) return bytes;
    throw stateError(action, 'IndexedDB of this origin must have a model of that name', String(path));
  },

  async write(path, bytes) {
    const action = 'Cannot save trainer';
    const places = "'indexeddb://name', 'downloads://name', WritableStreams and functions";
    const [scheme, name] = placeOf(action, path, `a browser saves to ${places}; a path needs Node`);
    if (scheme === 'downloads') download(action, name, bytes);
    else await request(action, 'readwrite', (store) => store.put(bytes, name));
  },
};
