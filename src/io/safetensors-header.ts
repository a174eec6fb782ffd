/** What is wrong with a header, in the words of an error. */
export interface HeaderProblem {
  readonly rule: string;
  readonly received: string;
}

/** The header holds an object of objects of arrays. */
const MAXIMUM_DEPTH = 3;

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

const problem = (rule: string, received: string): HeaderProblem => ({ rule, received });

/**
 * Checks of a header what JSON.parse does not: that it begins with a brace, nests no deeper than the format does, has
 * no key twice in one object, and besides strings only integers without sign, fraction and exponent. Says nothing of
 * the JSON itself.
 */
export function scanHeader(text: string): HeaderProblem | null {
  if (text.charCodeAt(0) !== 0x7b)
    return problem("the header must begin with '{'", JSON.stringify(text.slice(0, 1)));
  /** Keys of each open object; null for an array. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const sign = text[at];
    if (sign === '"') {
      const end = endOfString(text, at);
      if (end < 0) return problem('the header must be JSON', `a string without end at character ${at}`);
      const duplicate = addKey(text, at, end, open.at(-1));
      if (duplicate) return duplicate;
      at = end;
    } else if (sign === '{' || sign === '[') {
      open.push(sign === '{' ? new Set() : null);
      if (open.length > MAXIMUM_DEPTH) {
        return problem(`the header must nest at most ${MAXIMUM_DEPTH} levels`, `another at character ${at}`);
      }
    } else if (sign === '}' || sign === ']') open.pop();
    else if (sign !== ':' && sign !== ',' && !isDigit(code) && !isSpace(code)) {
      return problem(
        'the header must hold only strings and integers >= 0',
        `${JSON.stringify(sign)} at character ${at}`,
      );
    }
  }
  return null;
}

/** Index of the closing quote of the string that begins at `at`; −1 without one. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return -1;
}

/** Adds the string from `at` to `end` to the keys of its object if a colon follows. */
function addKey(
  text: string,
  at: number,
  end: number,
  keys: Set<string> | null | undefined,
): HeaderProblem | null {
  if (!keys) return null;
  let next = end + 1;
  while (isSpace(text.charCodeAt(next))) next++;
  if (text[next] !== ':') return null;
  const token = text.slice(at, end + 1);
  let key: string;
  try {
    key = JSON.parse(token) as string;
  } catch {
    return problem('the header must be JSON', `a malformed string at character ${at}`);
  }
  if (keys.has(key)) return problem('the header must not have a key twice', token.slice(0, 60));
  keys.add(key);
  return null;
}
