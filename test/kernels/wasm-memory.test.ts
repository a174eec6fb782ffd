import { describe, expect, it } from 'vitest';
import { LinearMemory, type Region } from '../../src/backends/wasm/memory.js';

const PAGE = 65536;

const create = (maximumPages = 16): { memory: WebAssembly.Memory; regions: LinearMemory } => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: maximumPages });
  return { memory, regions: new LinearMemory(memory, 100) };
};

const end = ({ address, bytes }: Region): number => address + bytes;

describe('linear memory', () => {
  it('hands out whole cache lines that do not overlap', () => {
    const { regions } = create();
    const given = [1, 64, 65, 1000].map((bytes) => regions.allocate(bytes));
    expect(given.map(({ bytes }) => bytes)).toEqual([64, 64, 128, 1024]);
    expect(given[0].address).toBe(128);
    given.reduce((previous, next) => {
      expect(next.address).toBeGreaterThanOrEqual(end(previous));
      return next;
    });
  });

  it('grows by need, and its views with it', () => {
    const { memory, regions } = create();
    const before = regions.views;
    const { address } = regions.allocate(3 * PAGE);
    expect(memory.buffer.byteLength).toBe(4 * PAGE);
    expect(before.u8.length).toBe(0);
    regions.views.u8[address + 3 * PAGE - 1] = 7;
    expect(new Uint8Array(memory.buffer)[address + 3 * PAGE - 1]).toBe(7);
  });

  it('gives out again what was given back, neighbours as one', () => {
    const { memory, regions } = create();
    const [a, b, c, d] = [1, 2, 3, 4].map(() => regions.allocate(1024));
    regions.free(b);
    regions.free(d);
    regions.free(c);
    expect(regions.allocate(3072).address).toBe(b.address);
    regions.free(a);
    expect(regions.allocate(64).address).toBe(a.address);
    expect(regions.allocate(960).address).toBe(a.address + 64);
    for (let round = 0; round < 1000; round++) regions.free(regions.allocate(PAGE - 8192));
    expect(memory.buffer.byteLength).toBe(PAGE);
  });

  it('makes the last region longer where it is, and no other', () => {
    const { memory, regions } = create(2);
    const [first, last] = [regions.allocate(64), regions.allocate(64)];
    expect(regions.extend(first, 128)).toBeNull();
    expect(regions.extend(last, 130)).toMatchObject({ address: last.address, bytes: 192 });
    expect(regions.allocate(64).address).toBe(last.address + 192);
    const next = regions.allocate(64);
    expect(() => regions.extend(next, 2 * PAGE)).toThrow(RangeError);
    expect(memory.buffer.byteLength).toBe(PAGE);
    expect(regions.allocate(64).address).toBe(end(next));
  });

  it('knows what nobody has had', () => {
    const { regions } = create();
    const [a, b] = [regions.allocate(128), regions.allocate(1024)];
    expect([a.untouched, b.untouched]).toEqual([a.address, b.address]);
    regions.free(b);
    expect(regions.extend(a, 512)?.untouched).toBe(end(b));
    const c = regions.allocate(2048);
    expect(c.untouched).toBe(end(b));
    regions.allocate(64);
    regions.free(c);
    const again = regions.allocate(2048);
    expect([again.address, again.untouched]).toEqual([c.address, end(c)]);
  });

  it('refuses more than there is and stays as it was', () => {
    const { memory, regions } = create(2);
    const { address } = regions.allocate(64);
    expect(() => regions.allocate(2 * PAGE)).toThrow(RangeError);
    expect(() => regions.allocate(2 * PAGE)).toThrow(/^Cannot reserve memory: .*: received a need for /);
    expect(memory.buffer.byteLength).toBe(PAGE);
    expect(regions.allocate(64).address).toBe(address + 64);
  });
});
