/**
 * Errors read `action: rule: received what`, e.g.
 * `Cannot add layer 2: units must be an integer >= 1: received 0`.
 */

/** Puts a received value into words, short enough for one line. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return value.length > 60 ? `'${value.slice(0, 57)}...'` : `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `a function${value.name ? ` ${value.name}` : ''}`;
  if (typeof value === 'symbol' || value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `an array of length ${value.length}`;
  const name = value.constructor?.name ?? 'Object';
  if (ArrayBuffer.isView(value) && 'length' in value) return `a ${name} of length ${value.length}`;
  return name === 'Object' ? `an object with keys ${Object.keys(value).join(', ') || '(none)'}` : `a ${name}`;
}

/** A fact worded by the caller, to be printed as it stands after `received`. */
export class Fact {
  constructor(readonly text: string) {}
}

/** `fact('12 rows')`: prints `received 12 rows` instead of a description of the string. */
export const fact = (text: string): Fact => new Fact(text);

/** The text of an error whose caller has put into words what was received. */
export const worded = (action: string, rule: string, received: string): string =>
  `${action}: ${rule}: received ${received}`;

const message = (action: string, rule: string, received: unknown): string =>
  worded(action, rule, received instanceof Fact ? received.text : describe(received));

/** The error for a wrong type or shape. Returned, not thrown, so that control flow stays visible at the call. */
export const typeError = (action: string, rule: string, received: unknown): TypeError =>
  new TypeError(message(action, rule, received));

/** The error for a value outside its range. */
export const rangeError = (action: string, rule: string, received: unknown): RangeError =>
  new RangeError(message(action, rule, received));

/** The error for a call that the object's state does not allow. */
export const stateError = (action: string, rule: string, received: unknown): Error =>
  new Error(message(action, rule, received));

/** Throws unless `value` is an integer in [minimum, maximum]. */
export function requireInteger(
  action: string,
  name: string,
  value: unknown,
  minimum: number,
  maximum = 2 ** 31 - 1,
): asserts value is number {
  if (typeof value !== 'number') throw typeError(action, `${name} must be a number`, value);
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    const upper = maximum === 2 ** 31 - 1 ? '' : ` and <= ${maximum}`;
    throw rangeError(action, `${name} must be an integer >= ${minimum}${upper}`, value);
  }
}

/** Throws unless `value` is a finite number for which `allowed` holds; `rule` words it. */
export function requireNumber(
  action: string,
  name: string,
  value: unknown,
  rule = 'finite',
  allowed: (value: number) => boolean = () => true,
): asserts value is number {
  if (typeof value !== 'number') throw typeError(action, `${name} must be a number`, value);
  if (!Number.isFinite(value) || !allowed(value)) throw rangeError(action, `${name} must be ${rule}`, value);
}

export function requireBoolean(action: string, name: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') throw typeError(action, `${name} must be a boolean`, value);
}

/** Throws unless `value` is one of `names`. */
export function requireName<T extends string>(
  action: string,
  name: string,
  value: unknown,
  names: readonly T[],
): asserts value is T {
  const rule = `${name} must be one of ${names.join(', ')}`;
  if (typeof value !== 'string') throw typeError(action, rule, value);
  if (!(names as readonly string[]).includes(value)) throw rangeError(action, rule, value);
}

/** Throws if `options` is no plain object or has a key outside `known`: a misspelt option must not be ignored. */
export function requireKnownKeys(action: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw typeError(action, 'options must be an object', options);
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw typeError(action, `options may be ${known.join(', ')}`, fact(`unknown option '${key}'`));
    }
  }
}
