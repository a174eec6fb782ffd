// Reads mutated safetensors and model files: `npm run fuzz -- 1000000 7` for a million with seed 7.
import { fuzz } from './fuzz.js';
import { modelTarget, safetensorsTarget } from './targets.js';

const [count = 1_000_000, seed = Date.now() % 2 ** 20] = process.argv.slice(2).map(Number);
for (const [name, target] of [
  ['safetensors', safetensorsTarget],
  ['model files', await modelTarget()],
] as const) {
  const before = process.memoryUsage().rss;
  const began = performance.now();
  const { files, accepted, slowestMs, messages } = fuzz(target, count, seed);
  const seconds = (performance.now() - began) / 1000;
  const grown = (process.memoryUsage().rss - before) / 2 ** 20;
  console.log(
    `${name}, seed ${seed}: ${files} files in ${seconds.toFixed(1)} s, ${accepted} read, the others refused with ` +
      `${messages.size} kinds of message; slowest ${slowestMs.toFixed(1)} ms, memory grown by ${grown.toFixed(0)} MB`,
  );
}
