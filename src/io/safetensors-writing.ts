import { rangeError, typeError } from '../errors.js';
import {
  isWellFormed,
  LENGTH_BYTES,
  MAXIMUM_HEADER_BYTES,
  METADATA,
  type Tensor,
} from './safetensors-layout.js';

const ALIGNMENT_BYTES = 8;

export function checkName(action: string, name: string): void {
  if (typeof name !== 'string' || name === METADATA || !isWellFormed(name)) {
    throw rangeError(action, `a name must be well-formed text other than ${METADATA}`, name);
  }
}

/** Bytes of a safetensors file of tensors whose data are of their type and shape; checks the texts. */
export function writeSafetensors(
  action: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const width = ({ data }: Tensor): number => data.BYTES_PER_ELEMENT;
  const sorted = [...tensors].sort(
    ([a, first], [b, second]) => width(second) - width(first) || (a < b ? -1 : 1),
  );
  for (const name of tensors.keys()) checkName(action, name);
  const entries: string[] = [];
  if (Object.keys(metadata).length > 0) entries.push(`"${METADATA}":${metadataText(action, metadata)}`);
  let end = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    const begin = end;
    end += data.byteLength;
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`);
  }
  const header = new TextEncoder().encode(`{${entries.join(',')}}`);
  const padded = Math.ceil(header.length / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  if (padded > MAXIMUM_HEADER_BYTES) {
    throw rangeError(action, `the header must have at most ${MAXIMUM_HEADER_BYTES} bytes`, padded);
  }
  const bytes = new Uint8Array(LENGTH_BYTES + padded + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + padded);
  bytes.set(header, LENGTH_BYTES);
  let offset = LENGTH_BYTES + padded;
  for (const [, { data }] of sorted) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

function metadataText(action: string, metadata: Readonly<Record<string, string>>): string {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw typeError(action, `metadata '${key}' must be a string`, value);
    if (!isWellFormed(key + value)) throw rangeError(action, 'metadata must be well-formed text', value);
  }
  return JSON.stringify(metadata);
}
