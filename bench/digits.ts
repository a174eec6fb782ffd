/** MNIST as the rows of a case. */

import { loadMnist } from '../examples/mnist/data.js';
import { createData, type StepCase, type StepData } from './step-cases.js';

/** The first digits, as numbers from 0 to 1, with the weights that the case has with random rows. */
export async function withDigits(stepCase: StepCase): Promise<StepData> {
  const { train } = await loadMnist();
  const { layers } = createData({ ...stepCase, rows: 1 });
  return {
    layers,
    x: Float32Array.from(train.images.subarray(0, stepCase.rows * stepCase.sizes[0]), (value) => value / 255),
    t: Float32Array.from(train.labels.subarray(0, stepCase.rows)),
  };
}
