import { describe, Fact } from '../errors.js';

/** The error for content that is malformed: a file that was truncated, damaged, or is not what it claims to be. */
export class FormatError extends RangeError {
  override readonly name = 'FormatError';
}

/** As `rangeError`, for the content of files. */
export const formatError = (action: string, rule: string, received: unknown): FormatError =>
  new FormatError(
    `${action}: ${rule}: received ${received instanceof Fact ? received.text : describe(received)}`,
  );

/** A name out of a file, short enough for one line. */
export const quoted = (text: string): string => describe(text).replaceAll(/\s/g, ' ');
