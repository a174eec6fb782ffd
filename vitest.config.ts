import { defineConfig } from 'vitest/config';

// Relaxed SIMD is behind a flag before Node 22.
const relaxedSimd =
  Number.parseInt(process.versions.node, 10) < 22 ? ['--experimental-wasm-relaxed-simd'] : [];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    allowOnly: false,
    execArgv: relaxedSimd,
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
