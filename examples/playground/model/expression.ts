import { type CallExpression, type Expression, Parser } from 'acorn';
import {
  defineActivation,
  type ExpressionOperations,
  type Operand,
  type Traced,
  type TracedActivation,
} from 'fastmlp';

/** An activation somebody typed, checked. */
export interface ParsedExpression {
  readonly text: string;
  /** As the body of the function that `defineActivation` takes, in TypeScript. */
  readonly code: string;
  trace(z: Traced, e: ExpressionOperations): Operand;
}

type OperationName = keyof ExpressionOperations;

/** A call of an operation of `e`, or a leaf. */
type Term =
  | { readonly kind: 'z' }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'call'; readonly name: OperationName; readonly operands: readonly Term[] };

const functions: Readonly<Record<string, readonly [name: OperationName, operands: number]>> = {
  ...Object.fromEntries(
    (['exp', 'expm1', 'log', 'sqrt', 'abs', 'sin', 'cos', 'tanh', 'sigmoid', 'softplus', 'erf'] as const).map(
      (name) => [name, [name, 1]],
    ),
  ),
  ln: ['log', 1],
  rowSum: ['rowSum', 1],
  rowMean: ['rowMean', 1],
  rowMax: ['rowMax', 1],
  min: ['min', 2],
  max: ['max', 2],
  where: ['where', 3],
};

const operators: Readonly<Record<string, OperationName>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '<': 'less',
  '<=': 'lessEqual',
  '>': 'greater',
  '>=': 'greaterEqual',
  '==': 'equal',
};

const constants: Readonly<Record<string, number>> = { pi: Math.PI, e: Math.E };

/** What may be written, for people. */
export const expressionHelp = `z, numbers, pi, e, + - * / ^, < <= > >= ==, a ? b : c, ${Object.keys(functions).join(', ')}`;

const MAXIMUM_LENGTH = 200;
const MAXIMUM_POWER = 8;
/** Net inputs at which a typed activation must be finite. */
const probes = Array.from({ length: 41 }, (_, index) => (index - 20) / 4);

type ParseUnary = (errors: unknown, sawSign: boolean, ...rest: unknown[]) => unknown;

/** Reads −z ** 2 as −(z ** 2), as in mathematics; JavaScript forbids it. */
const FormulaParser = Parser.extend((Base) => {
  const inherited = (Base.prototype as unknown as { parseMaybeUnary: ParseUnary }).parseMaybeUnary;
  class Formula extends Base {
    parseMaybeUnary(errors: unknown, _sawSign: boolean, ...rest: unknown[]): unknown {
      return inherited.call(this, errors, false, ...rest);
    }
  }
  return Formula;
});

const fail = (rule: string, received: string): never => {
  throw new Error(`${rule}: received ${received}`);
};

/**
 * Reads an expression of z such as `z * sigmoid(z)`. Nothing of the text is ever run: it is parsed, and only known
 * operations become calls.
 *
 * @throws Error with a message for the user
 */
export function parseExpression(text: string): ParsedExpression {
  const trimmed = text.trim();
  if (trimmed === '') return fail('an activation is an expression of z', 'nothing');
  if (trimmed.length > MAXIMUM_LENGTH) {
    return fail(`an expression has at most ${MAXIMUM_LENGTH} characters`, `${trimmed.length}`);
  }
  const term = termOf(parse(trimmed));
  const parsed: ParsedExpression = {
    text: trimmed,
    code: codeOf(term),
    trace: (z, e) => traceOf(term, z, e),
  };
  requireFinite(activationOf(parsed));
  return parsed;
}

/** What `dense` takes for a parsed expression. */
export const activationOf = (parsed: ParsedExpression): TracedActivation =>
  defineActivation(parsed.text, (z, e) => parsed.trace(z, e));

function parse(text: string): Expression {
  const formula = text.replaceAll('^', '**').replaceAll('−', '-');
  let end: number;
  let expression: Expression;
  try {
    expression = FormulaParser.parseExpressionAt(formula, 0, { ecmaVersion: 2022, preserveParens: true });
    end = expression.end;
  } catch (error) {
    return fail(
      'the expression must be complete',
      (error as Error).message.replace(/ \(1:(\d+)\)/, ' at $1'),
    );
  }
  const rest = formula.slice(end).trim();
  if (rest !== '') return fail('there must be one expression', `${rest} after it`);
  return expression;
}

function requireFinite(activation: TracedActivation): void {
  const wrong = probes.find(
    (z) => !Number.isFinite(activation.value([z])[0]) || !Number.isFinite(activation.derivative([z])[0][0]),
  );
  if (wrong !== undefined) {
    const value = activation.value([wrong])[0];
    const what = Number.isFinite(value) ? 'a derivative that is not finite' : `${value}`;
    fail('an activation and its derivative must be finite from z = −5 to 5', `${what} at z = ${wrong}`);
  }
}

const number = (value: number): Term => ({ kind: 'number', value });
const call = (name: OperationName, ...operands: Term[]): Term => ({ kind: 'call', name, operands });

function termOf(node: Expression): Term {
  switch (node.type) {
    case 'Literal':
      return typeof node.value === 'number'
        ? number(node.value)
        : fail('only numbers and z are values', `${node.raw}`);
    case 'Identifier':
      if (node.name === 'z') return { kind: 'z' };
      if (Object.hasOwn(constants, node.name)) return number(constants[node.name]);
      return fail('the only names are z, pi, e and, with parentheses, the functions', node.name);
    case 'ParenthesizedExpression':
      return termOf(node.expression);
    case 'UnaryExpression':
      return signed(node.operator, termOf(node.argument));
    case 'BinaryExpression':
      if (node.left.type === 'PrivateIdentifier')
        return fail('the only names are z, pi and e', node.left.name);
      return ofOperator(node.operator, termOf(node.left), termOf(node.right));
    case 'ConditionalExpression':
      return call('where', termOf(node.test), termOf(node.consequent), termOf(node.alternate));
    case 'CallExpression':
      return ofCall(node);
    default:
      return fail('only arithmetic, comparisons and calls are allowed', node.type);
  }
}

function signed(operator: string, operand: Term): Term {
  if (operator === '+') return operand;
  if (operator !== '-') return fail('the signs are + and −', operator);
  return operand.kind === 'number' ? number(-operand.value) : call('neg', operand);
}

function ofOperator(operator: string, left: Term, right: Term): Term {
  if (operator === '**') return ofPower(left, right);
  if (!Object.hasOwn(operators, operator)) {
    return fail(`the operators are ${Object.keys(operators).join(' ')} ^`, operator);
  }
  return call(operators[operator], left, right);
}

/** Powers are products, whose derivative is known everywhere. */
function ofPower(base: Term, exponent: Term): Term {
  if (exponent.kind !== 'number') return fail('a power must be a number', 'an expression');
  const { value } = exponent;
  if (base.kind === 'number' && Number.isFinite(base.value ** value)) return number(base.value ** value);
  if (value === 0.5) return call('sqrt', base);
  if (!Number.isInteger(value) || Math.abs(value) > MAXIMUM_POWER) {
    return fail(
      `a power must be a whole number from −${MAXIMUM_POWER} to ${MAXIMUM_POWER}, or 0.5`,
      `${value}`,
    );
  }
  if (value < 0) return call('div', number(1), ofPower(base, number(-value)));
  if (value === 0) return number(1);
  return value === 1 ? base : call('mul', ofPower(base, number(value - 1)), base);
}

function ofCall({ callee, arguments: given }: CallExpression): Term {
  if (callee.type !== 'Identifier') return fail('only functions by their name can be called', callee.type);
  const operands = given.map((operand) =>
    operand.type === 'SpreadElement' ? fail('arguments must be expressions', '...') : termOf(operand),
  );
  if (callee.name === 'relu' && operands.length === 1) return call('max', number(0), operands[0]);
  if (!Object.hasOwn(functions, callee.name)) {
    return fail(`the functions are ${Object.keys(functions).join(', ')}`, callee.name);
  }
  const [name, count] = functions[callee.name];
  if (operands.length !== count) return fail(`${callee.name} takes ${count} arguments`, `${operands.length}`);
  return call(name, ...operands);
}

function codeOf(term: Term): string {
  if (term.kind === 'z') return 'z';
  if (term.kind === 'number') return `${term.value}`;
  return `e.${term.name}(${term.operands.map(codeOf).join(', ')})`;
}

function traceOf(term: Term, z: Traced, e: ExpressionOperations): Operand {
  if (term.kind === 'z') return z;
  if (term.kind === 'number') return term.value;
  const operation = e[term.name] as (...operands: Operand[]) => Traced;
  return operation(...term.operands.map((operand) => traceOf(operand, z, e)));
}
