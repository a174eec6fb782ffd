import { expect, it } from 'vitest';
import { fuzz } from './fuzz.js';
import { modelTarget, safetensorsTarget } from './targets.js';

// `npm run fuzz` reads a million.
const FILES = 25_000;

it('mutated safetensors are read or refused, with an error of ours and at once', () => {
  const { accepted, messages, slowestMs } = fuzz(safetensorsTarget, FILES, 1);
  expect(accepted).toBeGreaterThan(FILES / 100);
  expect(messages.size).toBeGreaterThan(15);
  expect(slowestMs).toBeLessThan(5000);
});

it('mutated model files are read or refused, with an error of ours and at once', async () => {
  const { accepted, messages, slowestMs } = fuzz(await modelTarget(), FILES, 2);
  expect(accepted).toBeGreaterThan(FILES / 100);
  expect(messages.size).toBeGreaterThan(30);
  expect(slowestMs).toBeLessThan(5000);
});

it('the fuzzer notices an error that is not ours', () => {
  const read = (): never => {
    throw new TypeError('of the engine');
  };
  expect(() => fuzz({ ...safetensorsTarget, read }, 10, 3)).toThrow(
    'file 0 of seed 3: TypeError: of the engine',
  );
});
