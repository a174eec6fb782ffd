import type { Runner } from '../model/runner.js';
import { byId, shown } from './dom.js';

/** The line of numbers under the buttons. */
export function showStatistics(runner: Runner): void {
  const { history, epoch, samplesPerSecond, trainer, data } = runner;
  const percent = (share: number | null): string => (share === null ? '–' : `${(100 * share).toFixed(1)} %`);
  const isClassified = data.classes !== null;
  const fractionDigits = Number.isInteger(epoch) ? 0 : 2;
  const digits = { minimumFractionDigits: fractionDigits, maximumFractionDigits: fractionDigits };
  write('epoch', epoch.toLocaleString('en', digits));
  write('loss', shown(history.latest('loss'), 4));
  write('accuracy', isClassified ? percent(history.latest('accuracy')) : '–');
  write(
    'test',
    isClassified ? percent(history.latest('testAccuracy')) : shown(history.latest('testLoss'), 4),
  );
  byId('test-name').textContent = isClassified ? 'Test accuracy' : 'Test loss';
  write('speed', samplesPerSecond === null ? '–' : Math.round(samplesPerSecond).toLocaleString('en'));
  if (!trainer) return;
  const { id, threads, worker, notes, rejected } = trainer.backend;
  write('backend', `${id}, ${threads} thread${threads === 1 ? '' : 's'}${worker ? ', worker' : ''}`);
  const reasons = [...notes, ...rejected.map((one) => `not ${one.id}: ${one.reason}`)];
  byId('stat-backend').title = reasons.join('\n');
}

function write(name: string, text: string): void {
  const element = byId(`stat-${name}`);
  if (element.textContent !== text) element.textContent = text;
}
