import { defineConfig } from 'vitest/config';

// Relaxed SIMD is behind a flag before Node 22.
const relaxedSimd =
  Number.parseInt(process.versions.node, 10) < 22 ? ['--experimental-wasm-relaxed-simd'] : [];

/** What is judged by time, after everything else and one file at a time. */
const timed = ['test/browser/page-life.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    allowOnly: false,
    execArgv: relaxedSimd,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'rest', include: ['test/**/*.test.ts'], exclude: timed } },
      {
        extends: true,
        test: { name: 'timed', include: timed, fileParallelism: false, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
