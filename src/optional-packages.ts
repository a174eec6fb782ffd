import { fact, stateError } from './errors.js';

/**
 * The error for an optional peer dependency that could not be loaded, with the command that installs it. The `import`
 * belongs directly into a try block of the caller: that is where bundlers allow a package to be missing.
 */
export function missingPackages(action: string, names: readonly string[], cause: unknown): Error {
  const packages = names.length === 1 ? 'the optional package' : 'the optional packages';
  const rule = `${packages} ${names.join(' and ')} must be installed ("npm install ${names.join(' ')}")`;
  const error = stateError(action, rule, fact(cause instanceof Error ? cause.message : String(cause)));
  error.cause = cause;
  return error;
}
