/** The error for content that is malformed: a file that was truncated, damaged, or is not what it claims to be. */
export class FormatError extends RangeError {
  override readonly name = 'FormatError';
}
