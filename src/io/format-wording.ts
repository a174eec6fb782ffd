import { describe, Fact } from '../errors.js';
import { FormatError } from './format-error.js';

/** As `rangeError`, for the content of files. */
export const formatError = (action: string, rule: string, received: unknown): FormatError =>
  new FormatError(
    `${action}: ${rule}: received ${received instanceof Fact ? received.text : describe(received)}`,
  );

/** A name out of a file, short enough for one line. */
export const quoted = (text: string): string => describe(text).replaceAll(/\s/g, ' ');
