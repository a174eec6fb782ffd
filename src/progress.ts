import type { EpochLogs } from './history.js';

/** Shows how a run gets on. */
export interface Progress {
  update(state: { epoch: number; rows: number; loss: number; accuracy?: number }): void;
  endEpoch(logs: EpochLogs): void;
  stop(): void;
}

/** How a platform shows progress: a bar in a terminal, lines elsewhere. */
export type CreateProgress = (options: { totalRows: number; epochs: number }) => Promise<Progress>;
