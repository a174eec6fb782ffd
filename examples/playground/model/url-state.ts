import type { LossName } from 'fastmlp';
import { classLetters, type DrawnPoint, isGeneratorName } from '../data/data-set.js';
import { parseExpression } from './expression.js';
import { hiddenActivations, isExpression, lossNames, outputActivations } from './network.js';
import { type DataName, defaultState, type LayerState, limits, type State } from './state.js';

/** Drawn coordinates in the address are whole numbers of this. */
const STEP = 1 / 500;

/** The state as the part of an address behind `#`; what has its default value is left out. */
export function stateToHash(state: State): string {
  const parameters = new URLSearchParams();
  for (const key of Object.keys(defaultState) as (keyof State)[]) {
    const text = textOf(state, key);
    if (text !== textOf(defaultState, key)) parameters.set(key, text);
  }
  return parameters.toString();
}

function textOf(state: State, key: keyof State): string {
  switch (key) {
    case 'layers':
      return state.layers.map(({ units, activation }) => `${units} ${activation}`).join(';');
    case 'drawn':
      return state.drawn.map(pointText).join('.');
    default:
      return `${state[key]}`;
  }
}

const pointText = ({ x, y, label }: DrawnPoint): string =>
  `${classLetters[label]}${Math.round(x / STEP)}_${Math.round(y / STEP)}`;

/** A drawn point as it survives in an address. */
export const snapped = ({ x, y, label }: DrawnPoint): DrawnPoint => ({
  x: Math.round(x / STEP) * STEP,
  y: Math.round(y / STEP) * STEP,
  label,
});

/** The state of an address; whatever is missing or wrong in it has its default value, and `problems` says so. */
export function stateFromHash(hash: string): { state: State; problems: string[] } {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const problems: string[] = [];
  const read = { ...defaultState } as { -readonly [Key in keyof State]: State[Key] };
  for (const [key, text] of parameters) {
    const reader = Object.hasOwn(readers, key) ? readers[key as keyof State] : null;
    try {
      if (!reader) throw new Error('no such setting');
      Object.assign(read, { [key]: reader(text) });
    } catch (error) {
      problems.push(`${key}: ${(error as Error).message}`);
    }
  }
  return { state: read, problems };
}

type Reader<T> = (text: string) => T;

const oneOf =
  <T extends string>(values: readonly T[]): Reader<T> =>
  (text) => {
    if (!(values as readonly string[]).includes(text)) throw new Error(`no such choice: ${text}`);
    return text as T;
  };

const between =
  (lowest: number, highest: number, isWhole = false): Reader<number> =>
  (text) => {
    const value = Number(text);
    const right =
      text.trim() !== '' && value >= lowest && value <= highest && (!isWhole || Number.isInteger(value));
    if (!right) throw new Error(`no number from ${lowest} to ${highest}: ${text}`);
    return value;
  };

const whole = (lowest: number, highest: number): Reader<number> => between(lowest, highest, true);

const activation =
  (names: readonly string[]): Reader<string> =>
  (text) =>
    isExpression(text) ? `=${parseExpression(text.slice(1)).text}` : oneOf(names)(text);

function readLayers(text: string): LayerState[] {
  if (text === '') return [];
  const layers = text.split(';');
  if (layers.length > limits.layers) throw new Error(`more than ${limits.layers} layers`);
  return layers.map((layer) => {
    const space = layer.indexOf(' ');
    return {
      units: whole(1, limits.units)(layer.slice(0, space)),
      activation: activation(hiddenActivations)(layer.slice(space + 1)),
    };
  });
}

function readPoints(text: string): DrawnPoint[] {
  const points = text === '' ? [] : text.split('.');
  if (points.length > limits.drawn) throw new Error(`more than ${limits.drawn} points`);
  return points.map((point) => {
    const match = /^([A-D])(-?\d{1,4})_(-?\d{1,4})$/.exec(point);
    if (!match) throw new Error(`no point: ${point}`);
    return { x: Number(match[2]) * STEP, y: Number(match[3]) * STEP, label: classLetters.indexOf(match[1]) };
  });
}

function readDataName(text: string): DataName {
  return isGeneratorName(text) ? text : oneOf(['drawn', 'digits', 'csv'] as const)(text);
}

const readers: { readonly [Key in keyof State]: Reader<State[Key]> } = {
  data: readDataName,
  count: whole(10, limits.count),
  noise: between(0, limits.noise),
  dataSeed: whole(0, limits.seed),
  testShare: between(0, limits.testShare),
  drawn: readPoints,
  layers: readLayers,
  outputActivation: activation(outputActivations),
  loss: oneOf<LossName>(lossNames),
  reduction: oneOf(['mean', 'sum'] as const),
  optimizer: oneOf(['sgd', 'adam', 'adamw'] as const),
  learningRate: between(0, 100),
  momentum: between(0, 0.999),
  nesterov: (text) => oneOf(['true', 'false'] as const)(text) === 'true',
  weightDecay: between(0, 10),
  batchSize: whole(1, limits.batchSize),
  scaling: oneOf(['none', 'standard', 'range'] as const),
  seed: whole(0, limits.seed),
};
