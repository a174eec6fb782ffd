/** What only some models need, in a chunk that is loaded when a trainer of such a model is made. */
type Further = typeof import('./further-parts.js');

let loaded: Further | null = null;

class Missing extends Error {}

export async function loadFurther(): Promise<void> {
  loaded ??= await import('./further-parts.js');
}

/** What has been loaded. A plan of a model that is not basic asks for it, and so has the first plan of a trainer. */
export function further(): Further {
  if (!loaded) throw new Missing('a part that this model needs has not been loaded');
  return loaded;
}

/** What `body` returns, which has no effects: where it lacks what has not been loaded, it is run again with it. */
export async function withFurther<T>(body: () => T): Promise<T> {
  try {
    return body();
  } catch (reason) {
    if (!(reason instanceof Missing)) throw reason;
  }
  await loadFurther();
  return body();
}
