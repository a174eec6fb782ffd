/**
 * The modules as they lie in the bundle, in a chunk of their own: compressed, and one of them as what differs from the
 * other.
 */
const load = () => import('./modules.generated.js');

let simd: Promise<Uint8Array<ArrayBuffer>> | null = null;

/** The bytes of the module with SIMD, and with relaxed SIMD. */
export const embeddedModules = {
  simd: (): Promise<Uint8Array<ArrayBuffer>> => {
    const known = simd ?? load().then(({ simdModule }) => inflate(simdModule));
    simd = known;
    known.catch(() => {
      simd = null;
    });
    return known;
  },
  relaxedSimd: async (): Promise<Uint8Array<ArrayBuffer>> => {
    const { relaxedSimdPatch } = await load();
    return applyPatch(await embeddedModules.simd(), await inflate(relaxedSimdPatch));
  },
} as const;

/** Unpacks what zlib made, in base64. Every engine with SIMD but Firefox before 113 has the stream for it. */
async function inflate(encoded: string): Promise<Uint8Array<ArrayBuffer>> {
  const characters = atob(encoded);
  const packed = new Uint8Array(characters.length);
  for (let at = 0; at < packed.length; at++) packed[at] = characters.charCodeAt(at);
  const { readable, writable } = new DecompressionStream('deflate');
  const writer = writable.getWriter();
  const written = Promise.all([writer.write(packed), writer.close()]);
  const chunks: Uint8Array[] = [];
  const reader = readable.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
  await written;
  const bytes = new Uint8Array(chunks.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Makes a module of `base` and what tools/module-patch.mjs wrote down, where the format is described. */
export function applyPatch(base: Uint8Array, patch: Uint8Array): Uint8Array<ArrayBuffer> {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = patch[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const target = new Uint8Array(next());
  let from = 0;
  for (let filled = 0; filled < target.length; ) {
    const added = next();
    target.set(patch.subarray(at, at + added), filled);
    at += added;
    const shift = next();
    const copied = next();
    from += added + (shift & 1 ? -(shift + 1) / 2 : shift / 2);
    target.set(base.subarray(from, from + copied), filled + added);
    from += copied;
    filled += added + copied;
  }
  return target;
}
