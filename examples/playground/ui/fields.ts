import { h } from './dom.js';

/** A labelled control and how to show a value in it. */
export interface Field<T> {
  readonly element: HTMLElement;
  show(value: T): void;
}

let counter = 0;
const nextId = (): string => `field-${++counter}`;

export function selectField<T extends string>(
  label: string,
  options: readonly (readonly [T, string])[],
  changed: (value: T) => void,
  title = '',
): Field<T> & { readonly select: HTMLSelectElement } {
  const id = nextId();
  const select = h(
    'select',
    { id, title },
    ...options.map(([value, text]) => h('option', { value, textContent: text })),
  );
  select.addEventListener('change', () => changed(select.value as T));
  const element = h('label', { className: 'field', htmlFor: id }, h('span', { textContent: label }), select);
  return {
    element,
    select,
    show: (value) => {
      select.value = value;
    },
  };
}

export interface NumberOptions {
  readonly lowest: number;
  readonly highest: number;
  readonly isWhole?: boolean;
  readonly title?: string;
}

/** A number to be typed; what is out of range is marked and not taken. */
export function numberField(
  label: string,
  options: NumberOptions,
  changed: (value: number) => void,
): Field<number> {
  const { lowest, highest, isWhole = false, title = '' } = options;
  const id = nextId();
  const input = h('input', {
    id,
    type: 'number',
    min: `${lowest}`,
    max: `${highest}`,
    step: isWhole ? '1' : 'any',
    title,
  });
  input.addEventListener('input', () => {
    const value = Number(input.value);
    const isRight =
      input.value !== '' && value >= lowest && value <= highest && (!isWhole || Number.isInteger(value));
    input.setAttribute('aria-invalid', `${!isRight}`);
    if (isRight) changed(value);
  });
  const element = h('label', { className: 'field', htmlFor: id }, h('span', { textContent: label }), input);
  return {
    element,
    show: (value) => {
      input.setAttribute('aria-invalid', 'false');
      if (Number(input.value) !== value || input.value === '') input.value = `${value}`;
    },
  };
}

/** A slider with its value beside the label. */
export function rangeField(
  label: string,
  {
    lowest,
    highest,
    step,
    text,
  }: { lowest: number; highest: number; step: number; text: (value: number) => string },
  changed: (value: number) => void,
): Field<number> {
  const id = nextId();
  const input = h('input', { id, type: 'range', min: `${lowest}`, max: `${highest}`, step: `${step}` });
  const output = h('output', { htmlFor: id });
  input.addEventListener('input', () => {
    output.textContent = text(Number(input.value));
    changed(Number(input.value));
  });
  const element = h('label', { className: 'field', htmlFor: id }, h('span', {}, label, output), input);
  return {
    element,
    show: (value) => {
      input.value = `${value}`;
      output.textContent = text(value);
    },
  };
}

export function checkField(label: string, changed: (value: boolean) => void, title = ''): Field<boolean> {
  const input = h('input', { type: 'checkbox', title });
  input.addEventListener('change', () => changed(input.checked));
  return {
    element: h('label', { className: 'field check' }, input, label),
    show: (value) => {
      input.checked = value;
    },
  };
}
