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
    const [bytes, { packed }, { applyPatch }] = await Promise.all([
      base(unpack),
      load(),
      import('./module-patch.js'),
    ]);
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
  const reader = readable.getReader();
  let bytes = new Uint8Array(0);
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const longer = new Uint8Array(bytes.length + next.value.length);
    longer.set(bytes);
    longer.set(next.value, bytes.length);
    bytes = longer;
  }
  await written;
  return bytes;
}
