import { appendFile, readFile } from 'node:fs/promises';
import { requireBoolean, requireKnownKeys, typeError } from '../errors.js';
import { writeFileWhole } from '../io/files.js';
import type { FitCallbacks } from './callback.js';

export interface CsvLoggerOptions {
  /** Add to a file that is there; default false. */
  readonly append?: boolean;
}

const lineOf = (cells: readonly (string | number)[]): string => `${cells.join(',')}\n`;

/**
 * Writes a line of numbers an epoch to a CSV file: epoch, learning rate, seconds and all numbers of the epoch. Each line
 * is in the file before the next epoch begins. A resumed run drops the lines of epochs that it does again.
 */
export function csvLogger(path: string, options: CsvLoggerOptions = {}): FitCallbacks {
  const action = 'Cannot log';
  requireKnownKeys(action, options, ['append']);
  if (typeof path !== 'string' || path === '') throw typeError(action, 'the path must be a string', path);
  const { append = false } = options;
  requireBoolean(action, 'append', append);
  let names: readonly string[] | null = null;
  return {
    onTrainBegin: async ({ isResumed, epoch }) => {
      names = null;
      const text = append || isResumed ? await readFile(path, 'utf8').catch(() => '') : '';
      // A line without an end is what a process that was killed left behind.
      const [head, ...lines] = text.split('\n').slice(0, -1);
      if (head) names = head.split(',');
      const kept = isResumed ? lines.filter((line) => Number(line.split(',')[0]) < epoch) : lines;
      await writeFileWhole(
        path,
        new TextEncoder().encode(head ? [head, ...kept].map((line) => `${line}\n`).join('') : ''),
      );
    },
    onEpochEnd: async (epoch, logs, { learningRate, seconds }) => {
      const values: Record<string, number> = { epoch, learning_rate: learningRate, seconds, ...logs };
      let text = '';
      if (!names) {
        names = Object.keys(values);
        text = lineOf(names);
      }
      await appendFile(path, text + lineOf(names.map((name) => values[name] ?? '')), { flush: true });
    },
  };
}
