import { describe, expect, it } from 'vitest';
import { activationOf, parseExpression } from '../../examples/playground/model/expression.js';

const valueAt = (text: string, z: number): number => activationOf(parseExpression(text)).value([z])[0];

describe('typed activations', () => {
  it.each<[string, (z: number) => number]>([
    ['z * sigmoid(z)', (z) => z / (1 + Math.exp(-z))],
    ['-z^2', (z) => -(z ** 2)],
    ['exp(−z^2)', (z) => Math.exp(-(z ** 2))],
    ['2 - 3 - z', (z) => 2 - 3 - z],
    ['2 * -z ^ 3 + 1', (z) => 2 * -(z ** 3) + 1],
    ['(-z)**2', (z) => z ** 2],
    ['2^3^2 * z / 512', (z) => z],
    ['(1 + z^2)^-1', (z) => 1 / (1 + z * z)],
    ['(1 + z^2)^0.5', (z) => Math.sqrt(1 + z * z)],
    ['z > 0 ? z : 0.1 * z', (z) => (z > 0 ? z : 0.1 * z)],
    ['relu(z) - relu(z - 1)', (z) => Math.max(0, z) - Math.max(0, z - 1)],
    ['min(max(z, -1), 1)', (z) => Math.min(Math.max(z, -1), 1)],
    ['where(z <= 1, tanh(z), ln(2) + pi - e)', (z) => (z <= 1 ? Math.tanh(z) : Math.LN2 + Math.PI - Math.E)],
    ['z == z', () => 1],
  ])('%s', (text, expected) => {
    for (const z of [-2.5, -1, -0.3, 0, 0.7, 3]) expect(valueAt(text, z)).toBeCloseTo(expected(z), 12);
  });

  it('the code computes what the expression does', () => {
    expect(parseExpression(' z * sigmoid(z) ')).toMatchObject({
      text: 'z * sigmoid(z)',
      code: 'e.mul(z, e.sigmoid(z))',
    });
    expect(parseExpression('z > 0 ? z : -2').code).toBe('e.where(e.greater(z, 0), z, -2)');
  });

  it.each([
    ['', 'received nothing'],
    ['z +', 'the expression must be complete'],
    ['z)', 'there must be one expression'],
    ['z z', 'there must be one expression'],
    ['z; alert(1)', 'there must be one expression'],
    ['y', 'the only names are z, pi, e and, with parentheses, the functions: received y'],
    ['sigmoid', 'with parentheses, the functions: received sigmoid'],
    ['gamma(z)', 'the functions are exp'],
    ['constructor(z)', 'the functions are exp'],
    ['max(z)', 'max takes 2 arguments: received 1'],
    ['max(...z)', 'arguments must be expressions'],
    ['z.constructor', 'only arithmetic, comparisons and calls'],
    ['(() => 1)()', 'only functions by their name'],
    ['window.alert(1)', 'only functions by their name'],
    ['z = 3', 'only arithmetic, comparisons and calls'],
    ['"z"', 'only numbers and z'],
    ['z & 1', 'the operators are'],
    ['!z', 'the signs are'],
    ['z ^ z', 'a power must be a number'],
    ['z ^ 1.5', 'a power must be a whole number'],
    ['z ^ 100', 'a power must be a whole number'],
    ['log(z)', 'must be finite'],
    ['1 / z', 'must be finite'],
    ['z'.repeat(201), 'at most 200 characters'],
  ])('refuses %s', (text, message) => {
    expect(() => parseExpression(text)).toThrow(message);
  });
});
