import { rangeError, typeError } from '../errors.js';
import { arrays, isShape, sizeOf, type Tensor } from './safetensors-layout.js';
import { checkName, writeSafetensors } from './safetensors-writing.js';

/**
 * Bytes of a safetensors file. The widest types come first, then by name, so that every tensor is aligned.
 *
 * @param tensors names with tensors, such as a Map
 * @throws TypeError or RangeError for data that is not of its type or shape, a name used twice, or a value of the
 *   metadata that is no string
 * @example encodeSafetensors([['0.bias', { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) }]])
 */
export function encodeSafetensors(
  tensors: Iterable<readonly [name: string, tensor: Tensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const action = 'Cannot write safetensors';
  const named = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    checkTensor(action, name, tensor);
    if (named.has(name)) throw rangeError(action, 'names must be different', name);
    named.set(name, tensor);
  }
  return writeSafetensors(action, named, metadata);
}

function checkTensor(action: string, name: string, tensor: Tensor): void {
  checkName(action, name);
  const { dtype, shape, data } = tensor;
  const array = arrays.get(dtype);
  if (!array)
    throw rangeError(action, `dtype of ${name} must be one of ${[...arrays.keys()].join(', ')}`, dtype);
  if (!(data instanceof array)) {
    throw typeError(
      action,
      `data of ${name}, of dtype ${dtype}, must be a ${(array as { name?: string }).name}`,
      data,
    );
  }
  if (!isShape(shape)) throw rangeError(action, `shape of ${name} must be integers >= 0`, shape);
  if (sizeOf(shape) !== data.length) {
    throw rangeError(action, `data of ${name} must have the size of its shape [${shape.join(', ')}]`, data);
  }
}
