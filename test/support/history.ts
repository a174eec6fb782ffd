import type { History } from '../../src/index.js';

/** A history without what differs from run to run. */
export const withoutTimes = ({ seconds, samplesPerSecond, ...same }: History): Partial<History> => {
  if (seconds.length !== same.epoch.length || samplesPerSecond.length !== same.epoch.length)
    throw new Error('every epoch must have its seconds');
  return same;
};
