import { ElementCode } from '../src/opcodes';
import { Batch } from './batch';
import { Workspace } from './workspace';

/** Where in the workspace numbers of the input lie that are converted, up to 16. */
const CONVERTED: usize = 64;

/** The numbers of a row of the input as floats. */
export function input_row(row: usize, inputs: i32): usize {
  if (Batch.input_element === ElementCode.float32) return Batch.inputs + ((row * <usize>inputs) << 2);
  const bytes = Batch.inputs + row * <usize>inputs;
  const converted = Workspace.panels + CONVERTED;
  for (let i: i32 = 0; i < inputs; i++) {
    store<f32>(converted + ((<usize>i) << 2), <f32>load<u8>(bytes + <usize>i));
  }
  return converted;
}
