type Bytes = Uint8Array<ArrayBuffer>;

/** Unpacks what zlib made, in base64. */
export type Unpack = (packed: string) => Promise<Bytes>;

/** The bytes of a module. */
export type LoadModule = (unpack?: Unpack) => Promise<Bytes>;

/** Keeps what `load` resolves with; a chunk that did not arrive may do so the next time. */
function once(load: (unpack: Unpack) => Promise<Bytes>): LoadModule {
  let known: Promise<Bytes> | null = null;
  return (unpack = inflate) => {
    known ??= load(unpack).catch((reason: unknown) => {
      known = null;
      throw reason;
    });
    return known;
  };
}

/** The module that differs from `base` by what a chunk has. */
const patched = (base: LoadModule, load: () => Promise<{ readonly packed: string }>) =>
  once(async (unpack) => {
    const [bytes, { packed }] = await Promise.all([base(unpack), load()]);
    return applyPatch(bytes, await unpack(packed));
  });

const basic = once(async (unpack) => unpack((await import('./module-basic.generated.js')).packed));
const whole = patched(basic, () => import('./module-whole.generated.js'));

/**
 * The bytes of the modules, each in a chunk of its own, compressed: with relaxed SIMD or without, with the operations of
 * basic plans or with all. What most pages need is there as it is, the others as what differs from it.
 */
export const embeddedModules = {
  relaxedSimd: { basic, whole },
  simd: {
    basic: patched(basic, () => import('./module-basic-simd.generated.js')),
    whole: patched(whole, () => import('./module-whole-simd.generated.js')),
  },
} as const;

/** Every engine with SIMD but Firefox before 113 has the stream for it. */
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
