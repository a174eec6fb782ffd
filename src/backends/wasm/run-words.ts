/**
 * What a call of the module's `runSteps` reads: 32-bit words in this order.
 *
 * This file holds a plain enum only: AssemblyScript compiles it as it stands. Addresses are bytes.
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
  count,
}
