import { type GrowingMemory, memoryError } from './module.js';

const PAGE_BYTES = 65536;
const LINE_BYTES = 64;

/** The number of bytes rounded up to whole cache lines. */
export const alignToLine = (bytes: number): number => Math.ceil(bytes / LINE_BYTES) * LINE_BYTES;

/** A stretch of linear memory, from a cache line on. */
export interface Region {
  readonly address: number;
  readonly bytes: number;
  /** From this address on nobody has had it before: there are zeros. */
  readonly untouched: number;
}

const regionOf = (address: number, bytes: number): Region => ({
  address,
  bytes,
  untouched: address + bytes,
});

/** The whole memory as numbers of each type. They end where it ended before it grew: they are fetched anew for every use. */
export interface MemoryViews {
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i32: Int32Array;
  readonly u8: Uint8Array;
}

const viewsOf = ({ buffer }: GrowingMemory): MemoryViews => ({
  f32: new Float32Array(buffer),
  f64: new Float64Array(buffer),
  i32: new Int32Array(buffer),
  u8: new Uint8Array(buffer),
});

/** Hands out regions of a module's memory, which grows where they do not fit. Nobody else makes it grow. */
export class LinearMemory {
  readonly #memory: GrowingMemory;
  /** Regions given back, by address; no two touch each other, and none touches the end. */
  #free: Region[] = [];
  #end: number;
  /** Where the memory begins that no region has had. */
  #untouched: number;
  #views: MemoryViews;

  /** The memory is free from `firstFree` on. */
  constructor(memory: GrowingMemory, firstFree: number) {
    this.#memory = memory;
    this.#end = alignToLine(firstFree);
    this.#untouched = this.#end;
    this.#views = viewsOf(memory);
    this.#growTo(this.#end);
  }

  get views(): MemoryViews {
    return this.#views;
  }

  /**
   * A region of at least `bytes`, its contents arbitrary.
   *
   * @throws RangeError if the memory cannot grow so far; then nothing has changed
   */
  allocate(bytes: number): Region {
    const size = alignToLine(bytes);
    const place = this.#free.findIndex((region) => region.bytes >= size);
    if (place >= 0) {
      const { address, bytes: available } = this.#free[place];
      const rest = regionOf(address + size, available - size);
      this.#free.splice(place, 1, ...(rest.bytes > 0 ? [rest] : []));
      return regionOf(address, size);
    }
    return this.#take(this.#end, size);
  }

  /**
   * The region with so many bytes more behind it that there are at least `bytes`; null where they are not free.
   *
   * @throws RangeError if the memory cannot grow so far; then nothing has changed
   */
  extend(region: Region, bytes: number): Region | null {
    return region.address + region.bytes === this.#end
      ? this.#take(region.address, alignToLine(bytes))
      : null;
  }

  /** Takes back a region that `allocate` gave. */
  free(region: Region): void {
    if (region.bytes === 0) return;
    const merged: Region[] = [];
    for (const next of [...this.#free, region].sort((a, b) => a.address - b.address)) {
      const last = merged.at(-1);
      if (last && last.address + last.bytes === next.address) {
        merged[merged.length - 1] = regionOf(last.address, last.bytes + next.bytes);
      } else merged.push(next);
    }
    const last = merged.at(-1);
    if (last && last.address + last.bytes === this.#end) {
      this.#end = last.address;
      merged.pop();
    }
    this.#free = merged;
  }

  /** The last region, from `address` on. */
  #take(address: number, bytes: number): Region {
    const end = address + bytes;
    this.#growTo(end);
    const untouched = Math.max(address, this.#untouched);
    this.#end = end;
    this.#untouched = Math.max(end, this.#untouched);
    return { address, bytes, untouched };
  }

  #growTo(end: number): void {
    const missing = end - this.#views.u8.length;
    if (missing <= 0) return;
    try {
      this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    } catch {
      throw memoryError(
        'a WebAssembly backend has up to 4 GiB, as far as the system grants it',
        `a need for ${Math.ceil(end / 2 ** 20)} MiB`,
      );
    }
    this.#views = viewsOf(this.#memory);
  }
}
