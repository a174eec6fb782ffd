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
