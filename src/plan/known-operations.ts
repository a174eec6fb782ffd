/** What has been loaded of the list of operations: that of basic plans always, the others with their models. */
import { further } from '../further.js';
import { OPERATION_STRIDE, PlaceKind } from './encoding.js';
import { basicCodeNames, basicOperations, type OperandKind, type Operation } from './operations.js';

/** The operation of that code. */
export const operationOf = (code: number): Operation =>
  basicOperations[code] ?? further().furtherOperations[code];

const basicByName = new Map(Object.values(basicOperations).map((operation) => [operation.name, operation]));

/** The operation of that name. */
export const operationNamed = (name: Operation['name']): Operation =>
  basicByName.get(name) ??
  (Object.values(further().furtherOperations).find((operation) => operation.name === name) as Operation);

/** Names of the codes that an operand of this kind of an operation may take; undefined where it is no code. */
export const codeNamesOf = (
  { code }: Operation,
  kind: OperandKind,
): Readonly<Record<number, string>> | undefined =>
  basicCodeNames[kind] ?? (code in basicOperations ? undefined : further().furtherCodeNames[kind]);

/** A `PlaceKind` for each integer of some operations. */
export function placeKindsOf(words: Int32Array): Uint8Array {
  const kinds = new Uint8Array(words.length);
  for (let begin = 0; begin < words.length; begin += OPERATION_STRIDE) {
    operationOf(words[begin]).operands.forEach(([, kind], index) => {
      if (kind === 'buffer') kinds[begin + 1 + index] = PlaceKind.buffer;
      if (kind === 'scalar') kinds[begin + 1 + index] = PlaceKind.scalar;
    });
  }
  return kinds;
}
