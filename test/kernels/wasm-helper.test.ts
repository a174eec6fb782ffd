import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { embeddedModules } from '../../src/backends/wasm/embedded.js';
import { binaryOf, createMemory, instantiate } from '../../src/backends/wasm/module.js';

/** Where assembly/team.ts has them: how many helpers there are, and the slot of the second thread. */
const HELPERS = 128;
const SLOT = 192 + 4 * 128 + 128;
const ASLEEP = SLOT + 64;

const script = `
  const { parentPort } = require('node:worker_threads');
  parentPort.once('message', async ({ module, memory, workspace, team }) => {
    const env = { memory, 'performance.now': () => performance.now() };
    const { exports } = await WebAssembly.instantiate(module, { env });
    exports.useWorkspace(workspace);
    exports.help(team, 2, 1);
  });
`;

/** With a section that no module before had: one that was compiled before would run as optimised code from the start. */
function neverCompiled(binary: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(`${process.pid}-${performance.now()}`);
  return Uint8Array.from([...binary, 0, name.length + 1, name.length, ...name]);
}

describe('a helper of a team', () => {
  it.for(Object.entries(embeddedModules))(
    'wakes for every operation and goes to sleep again: %s',
    async ([, { whole }], { skip }) => {
      const binary = neverCompiled(binaryOf(await whole(), true));
      skip(!WebAssembly.validate(binary), 'this engine does not have its instructions');
      const memory = createMemory(true);
      memory.grow(63);
      const module = await WebAssembly.compile(binary);
      const { exports } = await instantiate(module, memory);
      const workspace = (exports.firstFree() + 63) & ~63;
      const team = (workspace + exports.workspaceBytes() + 63) & ~63;
      const words = new Int32Array(memory.buffer, team);
      const ranges = new BigInt64Array(memory.buffer, team);
      const isAsleep = async (): Promise<boolean> => {
        for (let wait = 0; wait < 2000 && Atomics.load(words, ASLEEP / 4) === 0; wait++) await sleep(1);
        return Atomics.load(words, ASLEEP / 4) === 1;
      };
      const worker = new Worker(script, { eval: true });
      try {
        worker.postMessage({ module, memory, workspace, team });
        expect(await isAsleep()).toBe(true);
        expect(Atomics.load(words, HELPERS / 4)).toBe(1);
        for (let operation = 1n; operation <= 20n; operation++) {
          // An operation without a chunk for anybody, as `lead` announces it.
          Atomics.store(ranges, SLOT / 8, operation << 24n);
          Atomics.store(words, ASLEEP / 4, 0);
          Atomics.notify(words, ASLEEP / 4, 1);
          expect(await isAsleep(), `after operation ${operation}`).toBe(true);
        }
      } finally {
        await Promise.all([once(worker, 'exit'), worker.terminate()]);
      }
    },
  );
});
