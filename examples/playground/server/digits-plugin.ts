import type { Plugin } from 'vite';
import { type Digits, loadMnist } from '../../mnist/data.js';
import { packDigits } from '../data/digits.js';

const FILE = 'digits.bin';
const TRAIN_COUNT = 10_000;
const TEST_COUNT = 2_000;

const first = ({ images, labels }: Digits, count: number): Digits => ({
  images: images.subarray(0, count * 784),
  labels: labels.subarray(0, count),
  count,
});

async function digitsFile(): Promise<Uint8Array> {
  const { train, test } = await loadMnist();
  return packDigits(first(train, TRAIN_COUNT), first(test, TEST_COUNT));
}

/** Serves the first digits of MNIST as one file, and puts it beside a build. Without them the page says so. */
export function digitsPlugin(): Plugin {
  let file: Promise<Uint8Array> | null = null;
  return {
    name: 'digits',
    configureServer(server) {
      server.middlewares.use(`/${FILE}`, async (_request, response) => {
        try {
          file ??= digitsFile();
          response.setHeader('content-type', 'application/octet-stream');
          response.end(await file);
        } catch (error) {
          response.statusCode = 404;
          response.end((error as Error).message);
        }
      });
    },
    async generateBundle() {
      try {
        this.emitFile({ type: 'asset', fileName: FILE, source: await digitsFile() });
      } catch (error) {
        this.warn(`built without digits: ${(error as Error).message}`);
      }
    },
  };
}
