import type { EpochLogs } from '../history.js';
import type { Progress } from '../progress.js';

export interface ProgressOptions {
  /** Rows trained in one epoch. */
  totalRows: number;
  epochs: number;
  /** Where to show it; standard error unless given. A terminal gets a bar, anything else plain lines. */
  stream?: ProgressStream;
}

export type ProgressStream = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

/** Where the text goes: a bar that redraws one line, or lines that are written now and then. */
interface Display {
  update(line: ProgressLine): void;
  endEpoch(line: ProgressLine): void;
  stop(): void;
}

interface ProgressLine {
  readonly rows: number;
  /** Renders the line with `bar` between the epoch and the figures. */
  text(bar: string): string;
}

/** Shows epochs, rows, samples per second, losses and the time left of a training run. */
export async function createProgress(options: ProgressOptions): Promise<Progress> {
  const { totalRows, epochs, stream = process.stderr as ProgressStream } = options;
  const display = stream.isTTY ? await createBar(stream, totalRows) : createLines(stream, totalRows);
  const start = performance.now();
  let epochStart = start;
  let current = { epoch: 0, rows: 0, time: start };

  const line = (logs: EpochLogs): ProgressLine => {
    const { epoch, rows, time } = current;
    const rowsDone = epoch * totalRows + rows;
    const secondsLeft = ((epochs * totalRows - rowsDone) * (time - start)) / 1000 / rowsDone;
    const figures = [
      `${rows}/${totalRows}`,
      `${formatRate((rows / (time - epochStart)) * 1000)}/s`,
      ...Object.entries(logs).flatMap(([name, value]) =>
        value === undefined ? [] : [`${name} ${formatNumber(value)}`],
      ),
      ...(Number.isFinite(secondsLeft) && secondsLeft > 0 ? [`${formatSeconds(secondsLeft)} left`] : []),
    ].join(' ');
    return { rows, text: (bar) => `epoch ${epoch + 1}/${epochs} ${bar}${figures}` };
  };

  return {
    update({ epoch, rows, loss, accuracy }) {
      current = { epoch, rows, time: performance.now() };
      display.update(line({ loss, accuracy }));
    },
    endEpoch(logs) {
      const now = performance.now();
      // Validation follows the last row: the time of the last row gives the training rate.
      if (current.rows < totalRows) current = { ...current, rows: totalRows, time: now };
      display.endEpoch(line(logs));
      epochStart = now;
      current = { epoch: current.epoch + 1, rows: 0, time: now };
    },
    stop: () => display.stop(),
  };
}

/** One line at the end of an epoch; before it at most one every two seconds and every tenth of the rows. */
function createLines(stream: ProgressStream, totalRows: number): Display {
  const intervalMs = 2000;
  let last = { time: performance.now(), rows: 0 };
  const write = (line: ProgressLine): void => {
    stream.write(`${line.text('')}\n`);
    last = { time: performance.now(), rows: line.rows };
  };
  return {
    update(line) {
      const due = performance.now() - last.time >= intervalMs && line.rows - last.rows >= totalRows / 10;
      if (due && line.rows < totalRows) write(line);
    },
    endEpoch(line) {
      write(line);
      last.rows = 0;
    },
    stop() {},
  };
}

/**
 * A bar for each epoch, replaced by a line when the epoch ends. The cursor is hidden meanwhile, so it is also
 * given back when a signal or `process.exit` ends the process.
 */
async function createBar(stream: ProgressStream, totalRows: number): Promise<Display> {
  // Loaded here only: neither the browser bundle nor a run without display needs it.
  const { default: cliProgress } = await import('cli-progress');
  // One column stays free: some terminals wrap when the last one is written.
  const columns = (stream.columns ?? 80) - 1;
  const format = (
    _options: unknown,
    state: { progress: number },
    payload: { line: ProgressLine },
  ): string => {
    const width = Math.min(30, columns - payload.line.text('').length - '[] '.length);
    const bar = width >= 5 ? `[${renderBar(state.progress, width)}] ` : '';
    return payload.line.text(bar).slice(0, columns);
  };
  const bar = new cliProgress.SingleBar({
    stream,
    format,
    hideCursor: true,
    linewrap: true,
    clearOnComplete: true,
  });

  let stopped = false;
  const stop = (): void => {
    stopped = true;
    bar.stop();
    process.off('exit', stop);
    for (const signal of signals) process.off(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    stop();
    // Listening has switched the default off, which is to end the process.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  process.once('exit', stop);
  // First in line, so that other listeners write on a clean line.
  for (const signal of signals) process.prependOnceListener(signal, onSignal);

  return {
    update(line) {
      if (stopped) return;
      if (!bar.isActive) bar.start(totalRows, 0, { line });
      bar.update(line.rows, { line });
    },
    endEpoch(line) {
      bar.stop();
      stream.write(`${line.text('')}\n`);
    },
    stop,
  };
}

const signals = ['SIGINT', 'SIGTERM'] as const;

const renderBar = (progress: number, width: number): string =>
  '='.repeat(Math.round(progress * width)).padEnd(width, '-');

/** Four decimals, or an exponent where they would show 0. */
const formatNumber = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(2) : value.toFixed(4);

const formatRate = (perSecond: number): string =>
  !Number.isFinite(perSecond) ? '-' : perSecond < 100 ? perSecond.toPrecision(3) : perSecond.toFixed(0);

function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)}s`;
  if (seconds < 3600)
    return `${Math.floor(seconds / 60)}m${String(Math.floor(seconds % 60)).padStart(2, '0')}s`;
  return `${Math.floor(seconds / 3600)}h${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')}m`;
}
