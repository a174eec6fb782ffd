/**
 * The descriptor of a run: 32-bit words in this order. `runSteps` reads it, and leaves it so that the next call goes on
 * where this one stopped.
 *
 * This file holds plain enums only: AssemblyScript compiles it as it stands. Addresses are bytes.
 */
export enum RunWord {
  /** The operations of a program, with buffers and scalars as addresses, 0 where absent. */
  operationsBegin,
  operationsEnd,
  /** The table of float64 scalars. */
  scalars,
  /** The data row, target row, label and result row of position 0 in the epoch. */
  inputs,
  inputElement,
  targets,
  labels,
  result,
  /** The entry of the order for the first row of the call; 0 for rows in the order they stand. */
  order,
  rowsPerEpoch,
  batchSize,
  /** Position in the epoch of the first row of the call. */
  position,
  steps,
  /** Where the metrics of each epoch that ends go, one after the other. */
  metrics,
  /** The rates of the steps, 0 without, and the scalar they go to. */
  rates,
  rateScalar,
  /** How many batches are accumulated, 0 without, and the programs for all but the first and for the update. */
  accumulated,
  moreBegin,
  moreEnd,
  updateBegin,
  updateEnd,
  /** Bits of `RunRequest`, set by the caller; a step begins only where there is none. */
  requests,
  /** A `RunState`, of a run on another thread than the caller's. */
  state,
  /** Odd while the numbers behind it change. */
  version,
  /** Four float64 in the order of `RunNumber`, as last reported. */
  numbers = 32,
  count = 40,
}

/** What the caller asks of a run on another thread. */
export enum RunRequest {
  /** Rest at the next step, until this bit is taken back. */
  halt = 1,
  /** End at the next step. */
  stop = 2,
  /** Report the numbers. The thread takes the bit back. */
  report = 4,
}

export enum RunState {
  /** No step is running. */
  resting,
  running,
}

/** What a run reports: steps left, and the metrics of the epoch so far. */
export enum RunNumber {
  steps,
  loss,
  correct,
  rows,
}
