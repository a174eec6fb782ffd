/**
 * Serves the playground: `npm run playground [-- --port 5173]`, or builds a folder that any static server can serve:
 * `npm run playground -- --build [--out build/playground]`.
 */
import { parseArgs } from 'node:util';
import { build, createServer } from 'vite';
import { playgroundConfig } from './config.js';

const { values } = parseArgs({
  options: { build: { type: 'boolean' }, out: { type: 'string' }, port: { type: 'string' } },
});

if (values.build) {
  const config = playgroundConfig(values);
  await build(config);
  console.log(`built ${config.build.outDir}`);
} else {
  const server = await createServer(playgroundConfig(values));
  await server.listen();
  const [url] = server.resolvedUrls?.local ?? [];
  console.log(`playground: ${url}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      await server.close();
      process.exit(0);
    });
  }
}
