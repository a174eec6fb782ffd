import { spawnSync } from 'node:child_process';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProgress, type ProgressStream } from '../../src/cli/progress.js';

/** Collects what is written; with `columns` it takes the part of a terminal. */
function fakeStream(columns?: number): ProgressStream & { written: string } {
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      target.written += chunk;
      done();
    },
  });
  const target = Object.assign(stream, {
    written: '',
    ...(columns === undefined ? {} : { isTTY: true, columns }),
  });
  return target;
}

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const count = (text: string, part: string): number => text.split(part).length - 1;
const signalListeners = (): number => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');

// Fake timers also stand still for the bar: its redraws happen when the test advances the clock.
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('progress where there is no terminal', () => {
  it('writes one line at the end of a short epoch, without control characters', async () => {
    const stream = fakeStream();
    const progress = await createProgress({ totalRows: 1000, epochs: 2, stream });
    for (const epoch of [0, 1]) {
      for (let rows = 100; rows <= 1000; rows += 100) {
        vi.advanceTimersByTime(50);
        progress.update({ epoch, rows, loss: 1 / rows, accuracy: rows / 1000 });
      }
      progress.endEpoch({ loss: 0.5 - epoch / 4, accuracy: 0.75, val_loss: 0.0004, val_accuracy: undefined });
    }
    progress.stop();
    expect(stream.written).toBe(
      'epoch 1/2 1000/1000 2000/s loss 0.5000 accuracy 0.7500 val_loss 4.00e-4 1s left\n' +
        'epoch 2/2 1000/1000 2000/s loss 0.2500 accuracy 0.7500 val_loss 4.00e-4\n',
    );
  });

  it('writes at most a line every two seconds of an epoch', async () => {
    const stream = fakeStream();
    const progress = await createProgress({ totalRows: 1000, epochs: 1, stream });
    for (let rows = 10; rows <= 500; rows += 10) {
      vi.advanceTimersByTime(100);
      progress.update({ epoch: 0, rows, loss: 2 });
    }
    progress.stop();
    expect(stream.written).toBe(
      'epoch 1/1 200/1000 100/s loss 2.0000 8s left\nepoch 1/1 400/1000 100/s loss 2.0000 6s left\n',
    );
  });

  it('writes at most ten lines for a long epoch', async () => {
    const stream = fakeStream();
    const progress = await createProgress({ totalRows: 1000, epochs: 2, stream });
    for (const epoch of [0, 1]) {
      for (let rows = 5; rows <= 1000; rows += 5) {
        vi.advanceTimersByTime(10_000);
        progress.update({ epoch, rows, loss: 2 });
      }
      progress.endEpoch({ loss: 2 });
    }
    const rows = [...stream.written.matchAll(/^epoch (\d).* (\d+)\/1000 /gm)].map(([, epoch, done]) => [
      epoch,
      done,
    ]);
    const tenths = ['100', '200', '300', '400', '500', '600', '700', '800', '900', '1000'];
    expect(rows).toEqual(['1', '2'].flatMap((epoch) => tenths.map((done) => [epoch, done])));
  });

  it('leaves the time of the validation out of the training rate', async () => {
    const stream = fakeStream();
    const progress = await createProgress({ totalRows: 100, epochs: 1, stream });
    vi.advanceTimersByTime(1000);
    progress.update({ epoch: 0, rows: 100, loss: 1 });
    vi.advanceTimersByTime(9000);
    progress.endEpoch({ loss: 1 });
    expect(stream.written).toContain(' 100/s ');
  });

  it('shows the rate of the whole epoch when the last rows were not reported', async () => {
    const stream = fakeStream();
    const progress = await createProgress({ totalRows: 100, epochs: 1, stream });
    vi.advanceTimersByTime(100);
    progress.update({ epoch: 0, rows: 40, loss: 1 });
    vi.advanceTimersByTime(100);
    progress.endEpoch({ loss: 1 });
    expect(stream.written).toBe('epoch 1/1 100/100 500/s loss 1.0000\n');
  });

  it.each([
    [30, '2m30s left'],
    [2 * 3600, '10h00m left'],
  ])('words the time left after an epoch of %d seconds', async (seconds, text) => {
    const stream = fakeStream();
    const progress = await createProgress({ totalRows: 1, epochs: 6, stream });
    vi.advanceTimersByTime(seconds * 1000);
    progress.endEpoch({ loss: 1 });
    expect(stream.written).toContain(text);
  });

  it('never prints an infinite or undefined figure', async () => {
    const immediate = fakeStream();
    (await createProgress({ totalRows: 10, epochs: 3, stream: immediate })).endEpoch({ loss: 0 });
    expect(immediate.written).toBe('epoch 1/3 10/10 -/s loss 0.0000\n');

    const stalled = fakeStream(100);
    const progress = await createProgress({ totalRows: 10, epochs: 3, stream: stalled });
    vi.advanceTimersByTime(2000);
    progress.update({ epoch: 0, rows: 0, loss: 0, accuracy: undefined });
    progress.stop();
    expect(stalled.written).toContain('0/10 0.00/s loss 0.0000');
    expect(stalled.written).not.toMatch(/Infinity|NaN|undefined|left/);
  });

  it('listens to no signal', async () => {
    const before = signalListeners();
    await createProgress({ totalRows: 10, epochs: 1, stream: fakeStream() });
    expect(signalListeners()).toBe(before);
  });
});

describe('progress on a terminal', () => {
  const run = async (columns: number) => {
    const stream = fakeStream(columns);
    const progress = await createProgress({ totalRows: 1000, epochs: 2, stream });
    return { stream, progress };
  };

  it('draws a bar that follows the rows', async () => {
    const { stream, progress } = await run(100);
    for (const rows of [250, 500, 750]) {
      vi.advanceTimersByTime(500);
      progress.update({ epoch: 0, rows, loss: 0.25, accuracy: 0.5 });
    }
    vi.advanceTimersByTime(500);
    progress.stop();
    expect(stream.written).toContain(
      `epoch 1/2 [${'='.repeat(15)}${'-'.repeat(15)}] 500/1000 500/s loss 0.2500`,
    );
    expect(stream.written).toContain('750/1000 500/s loss 0.2500 accuracy 0.5000 3s left');
  });

  it('replaces the bar by a line when an epoch ends', async () => {
    const { stream, progress } = await run(100);
    for (const epoch of [0, 1]) {
      vi.advanceTimersByTime(500);
      progress.update({ epoch, rows: 1000, loss: 0.25 });
      progress.endEpoch({ loss: 0.25, val_loss: 0.5 });
    }
    progress.stop();
    expect(stream.written).toContain(
      '\x1b[2Kepoch 1/2 1000/1000 2000/s loss 0.2500 val_loss 0.5000 1s left\n',
    );
    expect(stream.written).toContain('\x1b[2Kepoch 2/2 1000/1000 2000/s loss 0.2500 val_loss 0.5000\n');
  });

  it.each([20, 40, 60, 80])('keeps the bar within %d columns', async (columns) => {
    const { stream, progress } = await run(columns);
    vi.advanceTimersByTime(500);
    progress.update({ epoch: 0, rows: 500, loss: 0.25, accuracy: 0.5 });
    vi.advanceTimersByTime(500);
    progress.stop();
    const drawn = stream.written.split('\x1b').map((part) => part.replace(/^[[\]?\d]*[a-zA-Z]/, ''));
    expect(Math.max(...drawn.map((part) => part.length))).toBeLessThan(columns);
    expect(stream.written).toContain('epoch 1/2 ');
  });

  it('hides the cursor while it runs and gives it back on stop, once', async () => {
    const listeners = signalListeners() + process.listenerCount('exit');
    const { stream, progress } = await run(80);
    progress.update({ epoch: 0, rows: 10, loss: 1 });
    expect([count(stream.written, hideCursor), count(stream.written, showCursor)]).toEqual([1, 0]);
    progress.stop();
    const { written } = stream;
    expect(count(written, showCursor)).toBe(1);
    progress.stop();
    progress.update({ epoch: 0, rows: 20, loss: 1 });
    vi.advanceTimersByTime(5000);
    expect(stream.written).toBe(written);
    expect(vi.getTimerCount()).toBe(0);
    expect(signalListeners() + process.listenerCount('exit')).toBe(listeners);
  });
});

// Windows has no signals to send.
describe.skipIf(process.platform === 'win32')('a process that ends under the bar', () => {
  const progressUrl = new URL('../../src/cli/progress.ts', import.meta.url).href;

  /** Runs `before`, shows a bar on standard output and runs `under`; tells how the process ended. */
  const run = (under: string, before = '') =>
    spawnSync(
      process.execPath,
      [
        '--import',
        'tsx',
        '--input-type=module',
        '--eval',
        `import { createProgress } from '${progressUrl}';
        ${before}
        const stream = Object.assign(process.stdout, { isTTY: true, columns: 80 });
        const progress = await createProgress({ totalRows: 100, epochs: 1, stream });
        progress.update({ epoch: 0, rows: 10, loss: 1 });
        ${under}`,
      ],
      { encoding: 'utf8', timeout: 20_000 },
    );

  it.each(['SIGINT', 'SIGTERM'])('gives the cursor back and dies of %s as without the bar', (signal) => {
    const result = run(`process.kill(process.pid, '${signal}'); setTimeout(() => {}, 10_000);`);
    expect({ signal: result.signal, status: result.status }).toEqual({ signal, status: null });
    expect(result.stdout.lastIndexOf(showCursor)).toBeGreaterThan(result.stdout.lastIndexOf(hideCursor));
  });

  it('leaves a signal to the listeners of the program, which find the bar gone', () => {
    const result = run(
      `process.kill(process.pid, 'SIGINT'); setTimeout(() => {}, 10_000);`,
      `process.on('SIGINT', () => { console.log('stopped'); process.exit(130); });`,
    );
    expect(result.status).toBe(130);
    expect(result.stdout.endsWith('\x1b[2Kstopped\n')).toBe(true);
    expect(result.stdout).toContain(showCursor);
  });

  it('gives the cursor back on process.exit', () => {
    const result = run('process.exit(3);');
    expect(result.status).toBe(3);
    expect(result.stdout).toContain(showCursor);
  });
});
