/** Jacobians of a layer and of a function that is no layer. */
import { type BackendId, defineActivation, defineLoss, jacobian, type Trainer } from 'fastmlp';
import type { CaseNetwork, Rows, Tolerance, WorkedCase } from './cases.js';
import { allowedOn, formulaLayer, printParameters, trainerOf } from './networks.js';
import type { Sheet } from './sheet.js';

export interface LayerJacobianCase extends WorkedCase {
  readonly network: CaseNetwork;
  readonly inputs: Rows;
  readonly tolerance: Tolerance;
  readonly expected: {
    readonly z: number[];
    readonly u: number[];
    readonly du_dz: Rows;
    readonly du_dW: Rows[];
    readonly du_db: Rows;
    readonly du_dx: Rows;
  };
}

export interface FunctionJacobianCase extends WorkedCase {
  readonly inputs: Rows;
  readonly tolerance: Tolerance;
  readonly expected: { readonly f: Rows; readonly jacobian: Rows[] };
}

/** u = sigmoid(W x + b) and its derivatives with respect to everything in it. */
export async function workLayerJacobian(
  sheet: Sheet,
  golden: LayerJacobianCase,
  backend: BackendId,
): Promise<void> {
  const { inputs, expected } = golden;
  const trainer = await trainerOf(golden.network, backend);
  const allowed = allowedOn(backend, golden.tolerance);
  sheet.heading('Given');
  sheet.given('x', inputs);
  printParameters(sheet, golden.network);
  const [layer] = trainer.inspect(inputs).layers;
  sheet.heading('Forward');
  sheet.compare('z', layer!.netInput, expected.z, allowed);
  sheet.compare('u', layer!.output, expected.u, allowed);
  sheet.heading('jacobian(trainer, x) and jacobian(trainer, x, { layer: 0 })');
  const [own] = jacobian(trainer, inputs, { layer: 0 });
  sheet.compare('du/dx', jacobian(trainer, inputs)[0]!, expected.du_dx, allowed);
  sheet.compare('du/dz', own!.netInput, expected.du_dz, allowed);
  sheet.compare('du/db', own!.biases, expected.du_db, allowed);
  expected.du_dW.forEach((matrix, output) => {
    sheet.compare(`du${output + 1}/dW`, own!.weights[output]!, matrix, allowed);
  });
  trainer.dispose();
}

const unitVector = (unit: number): number[] => [0, 1, 2].map((index) => Number(index === unit));

/** f of three numbers as an activation of three units; the third output is 0. */
const twoOfThree = defineActivation('f', (x, e) => {
  const at = (unit: number) => e.rowSum(e.mul(e.perUnit(unitVector(unit)), x));
  const f1 = e.add(at(0), e.mul(at(1), at(2)));
  const f2 = e.add(e.mul(at(0), at(0)), e.mul(3, at(1)));
  return e.add(e.mul(e.perUnit(unitVector(0)), f1), e.mul(e.perUnit(unitVector(1)), f2));
});

/**
 * A vector function is an activation whose units use each other's net inputs. Its Jacobian comes from jacobian(), and
 * row by row from the backward pass: with the loss E = f_k, dE/dx is row k.
 */
export async function workFunctionJacobian(
  sheet: Sheet,
  golden: FunctionJacobianCase,
  backend: BackendId,
): Promise<void> {
  const { inputs, expected } = golden;
  const allowed = allowedOn(backend, golden.tolerance);
  const components: Trainer[] = [];
  for (const k of [0, 1]) {
    const component = defineLoss(`f${k + 1}`, (x, _t, e) => e.rowSum(e.mul(e.perUnit(unitVector(k)), x)));
    components.push(await formulaLayer(3, twoOfThree, component, backend));
  }
  const [trainer] = components;
  for (const [row, x] of inputs.entries()) {
    sheet.heading(`x = (${x.join(', ')})`);
    const f = Array.from(trainer!.predict([x]).data).slice(0, 2);
    sheet.compare('f', f, expected.f[row]!, allowed);
    const matrix = jacobian(trainer!, [x])[0]!.toArrays().slice(0, 2);
    sheet.compare('jacobian()', matrix, expected.jacobian[row]!, allowed);
    const gradients = components.map((one) => Array.from(one.inspect([x], [[0, 0, 0]]).inputGradient!.data));
    sheet.compare('df1/dx, df2/dx', gradients, expected.jacobian[row]!, allowed);
  }
  for (const one of components) one.dispose();
}
