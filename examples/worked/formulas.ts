/** Formulas by themselves: exercises on derivatives, and tables of activations and losses at extreme arguments. */
import {
  type ActivationLike,
  activations,
  type BackendId,
  defineActivation,
  defineLoss,
  gradientCheck,
  type LossName,
  type UnitActivation,
} from 'fastmlp';
import type { Tolerance, WorkedCase } from './cases.js';
import { allowedOn, formulaLayer } from './networks.js';
import type { Allowance, Sheet } from './sheet.js';

export interface DerivativeCase extends WorkedCase {
  readonly inputs: { readonly z: number[]; readonly t: number[]; readonly w?: number[] };
  readonly expected: { readonly z_hat: number[]; readonly E: number; readonly delta: number[] };
  readonly tolerance: Tolerance;
}

/** Of tables: either may hold. */
interface TableTolerance {
  readonly float64_relative: number;
  readonly float64_absolute: number;
}

export interface TableCase<Inputs, Expected> extends WorkedCase {
  readonly inputs: Inputs;
  readonly expected: Expected;
  readonly tolerance: TableTolerance;
}

type ActivationTable = TableCase<
  { readonly z: number[] },
  Record<string, { readonly f: number[]; readonly f_prime?: number[]; readonly z?: number[] }>
>;
type LogisticTable = TableCase<
  { readonly z: number[]; readonly y: number[] },
  { readonly loss: number[][]; readonly dloss_dz: number[][] }
>;
type SoftmaxTable = TableCase<
  { readonly z: number[][] },
  { readonly softmax: number[][]; readonly cross_entropy_for_each_true_class: number[][] }
>;

const LARGEST_FLOAT32 = 3.4028235e38;

const float64Allowance =
  ({ float64_relative, float64_absolute }: TableTolerance): Allowance =>
  (expected) =>
    Math.max(float64_absolute, float64_relative * Math.abs(expected));

/** In float32 a table holds to 1e-6, and what is beyond its range is infinite. */
const tableAllowance = (backend: BackendId, tolerance: TableTolerance): Allowance =>
  backend === 'reference'
    ? float64Allowance(tolerance)
    : (expected) =>
        Math.abs(expected) > LARGEST_FLOAT32
          ? Number.POSITIVE_INFINITY
          : 1e-6 * Math.max(1, Math.abs(expected));

/** The outputs of the exercises as formulas of z and weights w; what they are called says how the loss goes on. */
function exercise(id: string, w: readonly number[]): { activation: ActivationLike; loss: LossName } {
  const loss = id.includes('halfsse') ? 'halfSquaredError' : 'crossEntropy';
  if (id.includes('exp-sum')) {
    const activation = defineActivation('exp(sum (w z)^2 + 1)', (z, e) => {
      const weighted = e.mul(e.perUnit(w), z);
      return e.exp(e.add(e.rowSum(e.mul(weighted, weighted)), 1));
    });
    return { activation, loss };
  }
  if (id.includes('exp-elementwise')) {
    const activation = defineActivation('exp((w z)^2 + 1)', (z, e) => {
      const weighted = e.mul(e.perUnit(w), z);
      return e.exp(e.add(e.mul(weighted, weighted), 1));
    });
    return { activation, loss };
  }
  if (id.includes('sigmoid2z')) {
    return { activation: defineActivation('sigmoid(2 z)', (z, e) => e.sigmoid(e.mul(2, z))), loss };
  }
  return { activation: 'sigmoid', loss };
}

export async function workDerivative(
  sheet: Sheet,
  golden: DerivativeCase,
  backend: BackendId,
): Promise<void> {
  const { z, t, w = [] } = golden.inputs;
  const { activation, loss } = exercise(golden.id, w);
  const trainer = await formulaLayer(z.length, activation, loss, backend);
  const allowed = allowedOn(backend, golden.tolerance);
  sheet.line(`Activation ${trainer.layers[0]!.activation}, loss ${trainer.loss}`);
  sheet.heading('Given');
  sheet.given('z', z);
  sheet.given('t', t);
  if (w.length > 0) sheet.given('w', w);
  const { layers, loss: total } = trainer.inspect([z], [t]);
  sheet.heading('Value, loss and delta = dE/dz');
  sheet.compare('z_hat', layers[0]!.output, golden.expected.z_hat, allowed);
  sheet.compare('E', total!, golden.expected.E, allowed);
  sheet.compare('delta', layers[0]!.delta!, golden.expected.delta, allowed);
  const { passed } = await gradientCheck(trainer, [z], [t]);
  sheet.compareText('gradientCheck', passed ? 'passed' : 'failed', 'passed');
  trainer.dispose();
}

export async function workActivationTable(
  sheet: Sheet,
  golden: ActivationTable,
  backend: BackendId,
): Promise<void> {
  // With this loss dE/dx is 1, and delta the derivative itself.
  const sum = defineLoss('sum of the outputs', (x, _t, e) => e.rowSum(x));
  sheet.line(`Each activation twice: from activations, in float64, and as a layer on ${backend}.`);
  for (const [key, { f, f_prime: derivatives, z = golden.inputs.z }] of Object.entries(golden.expected)) {
    const name = key.replace('custom:', '').replace('identity', 'linear') as 'sigmoid';
    const own: UnitActivation = activations[name];
    const expected = f.map((value, row) => (derivatives ? [value, derivatives[row]!] : [value]));
    const labels = z.map((value) => `z = ${value}`);
    sheet.heading(`activations.${name}: value${derivatives ? ', derivative' : ' alone'}`);
    const values = z.map((value) => [own.value(value), ...(derivatives ? [own.derivative(value)] : [])]);
    sheet.compare(labels, values, expected, float64Allowance(golden.tolerance));

    const trainer = await formulaLayer(1, name, derivatives ? sum : 'halfSquaredError', backend);
    const rows = z.map((value) => [value]);
    const [layer] = trainer.inspect(rows, derivatives ? rows : undefined).layers;
    const layered = z.map((_, row) => [
      layer!.output.data[row]!,
      ...(layer!.delta ? [layer!.delta.data[row]!] : []),
    ]);
    sheet.line(`${name} as a layer: x${derivatives ? ', delta for dE/dx = 1' : ''}`);
    sheet.compare(labels, layered, expected, tableAllowance(backend, golden.tolerance));
    trainer.dispose();
  }
}

export async function workLogisticTable(
  sheet: Sheet,
  golden: LogisticTable,
  backend: BackendId,
): Promise<void> {
  const { z, y: targets } = golden.inputs;
  const trainer = await formulaLayer(1, 'linear', 'binaryCrossEntropyWithLogits', backend);
  const rows = z.map((value) => [value]);
  sheet.line('J(z) = ln(1 + e^z) - y z as binaryCrossEntropyWithLogits, and dJ/dz');
  targets.forEach((y, column) => {
    const { sampleLosses, layers } = trainer.inspect(
      rows,
      rows.map(() => [y]),
    );
    const computed = z.map((_, row) => [sampleLosses![row]!, layers[0]!.delta!.data[row]!]);
    const expected = z.map((_, row) => [
      golden.expected.loss[row]![column]!,
      golden.expected.dloss_dz[row]![column]!,
    ]);
    const labels = z.map((value) => `z = ${value}`);
    sheet.heading(`y = ${y}: J, dJ/dz`);
    sheet.compare(labels, computed, expected, tableAllowance(backend, golden.tolerance));
  });
  trainer.dispose();
}

export async function workSoftmaxTable(
  sheet: Sheet,
  golden: SoftmaxTable,
  backend: BackendId,
): Promise<void> {
  const { z } = golden.inputs;
  const { softmax, cross_entropy_for_each_true_class: losses } = golden.expected;
  const trainer = await formulaLayer(3, 'softmax', 'crossEntropy', backend);
  const allowance = tableAllowance(backend, golden.tolerance);
  sheet.given('z', z);
  sheet.heading('softmax(z)');
  sheet.compare('activations', z.map(activations.softmax.value), softmax, float64Allowance(golden.tolerance));
  sheet.compare('layer', trainer.predict(z), softmax, allowance);
  sheet.heading('Cross-entropy, the columns for true class 1, 2, 3');
  const perClass = [0, 1, 2].map((label) => {
    const labels = Int32Array.from(z, () => label);
    return trainer.inspect(z, labels).sampleLosses!;
  });
  const computed = z.map((_, row) => perClass.map((column) => column[row]!));
  sheet.compare('crossEntropy', computed, losses, allowance);
  trainer.dispose();
}
