import type { DataSet } from '../data/data-set.js';
import { expressionHelp, parseExpression } from '../model/expression.js';
import { hiddenActivations, isExpression, outputActivations } from '../model/network.js';
import { type LayerState, limits, type State } from '../model/state.js';
import { outputUnits } from '../model/task.js';
import { byId, h } from './dom.js';

const OWN = 'own…';
const FIRST_EXPRESSION = '=z * sigmoid(z)';

/** Layers of the network as cards: units, activation, remove; and one more for the outputs. */
export class LayersEditor {
  readonly #box = byId('layers');
  readonly #changed: (patch: Partial<State>) => void;
  #shown = '';
  #state: State | null = null;

  constructor(changed: (patch: Partial<State>) => void) {
    this.#changed = changed;
  }

  show(state: State, data: DataSet): void {
    const { layers, outputActivation } = state;
    const outputs = outputUnits(state, data.classes?.length ?? null);
    const shown = JSON.stringify([layers, outputActivation, outputs]);
    this.#state = state;
    if (shown === this.#shown) return;
    this.#shown = shown;
    const focused = this.#box.contains(document.activeElement)
      ? document.activeElement?.getAttribute('data-key')
      : null;
    const add = h('button', {
      type: 'button',
      className: 'add-layer',
      textContent: '+ Add a layer',
      dataset: { key: 'add' },
    });
    add.disabled = layers.length >= limits.layers;
    add.addEventListener('click', () => {
      const last = this.#layers.at(-1) ?? { units: 4, activation: 'tanh' };
      this.#changed({ layers: [...this.#layers, last] });
    });
    this.#box.replaceChildren(
      ...layers.map((layer, index) => this.#layerCard(layer, index)),
      add,
      this.#outputCard(outputActivation, outputs),
    );
    if (focused) this.#box.querySelector<HTMLElement>(`[data-key="${focused}"]`)?.focus();
  }

  get #layers(): readonly LayerState[] {
    return this.#state?.layers ?? [];
  }

  #replace(index: number, patch: Partial<LayerState>): void {
    this.#changed({
      layers: this.#layers.map((layer, at) => (at === index ? { ...layer, ...patch } : layer)),
    });
  }

  #layerCard({ units, activation }: LayerState, index: number): HTMLElement {
    const title = `Layer ${index + 1}`;
    const remove = h('button', {
      type: 'button',
      textContent: '✕',
      title: `Remove layer ${index + 1}`,
      attributes: { 'aria-label': `Remove layer ${index + 1}` },
      dataset: { key: `remove${index}` },
    });
    remove.addEventListener('click', () =>
      this.#changed({ layers: this.#layers.filter((_, at) => at !== index) }),
    );
    const input = h('input', {
      type: 'number',
      min: '1',
      max: `${limits.units}`,
      value: `${units}`,
      attributes: { 'aria-label': `Units of layer ${index + 1}` },
      dataset: { key: `units${index}` },
    });
    const setUnits = (value: number): void => {
      const isRight = Number.isInteger(value) && value >= 1 && value <= limits.units;
      input.setAttribute('aria-invalid', `${!isRight}`);
      if (isRight) this.#replace(index, { units: value });
    };
    input.addEventListener('change', () => setUnits(Number(input.value)));
    const stepper = (text: string, by: number, name: string): HTMLButtonElement => {
      const label = `${name} unit in layer ${index + 1}`;
      const button = h('button', {
        type: 'button',
        textContent: text,
        attributes: { 'aria-label': label },
        dataset: { key: `${name}${index}` },
      });
      button.addEventListener('click', () => setUnits(Math.min(limits.units, Math.max(1, units + by))));
      return button;
    };
    return h(
      'div',
      { className: 'layer', attributes: { role: 'group', 'aria-label': title } },
      h('header', {}, title, remove),
      h('div', { className: 'units' }, stepper('−', -1, 'One less'), input, stepper('+', 1, 'One more')),
      ...this.#activationControls(
        activation,
        hiddenActivations,
        `activation${index}`,
        `Activation of layer ${index + 1}`,
        (text) => this.#replace(index, { activation: text }),
      ),
    );
  }

  #outputCard(activation: string, units: number): HTMLElement {
    const header = h(
      'header',
      {},
      'Output',
      h('span', { className: 'hint', textContent: `${units} unit${units > 1 ? 's' : ''}` }),
    );
    const note = h(
      'div',
      { className: 'units' },
      h('span', { className: 'hint', textContent: 'follows the data' }),
    );
    note.style.minHeight = '32px';
    return h(
      'div',
      { className: 'layer', attributes: { role: 'group', 'aria-label': 'Output layer' } },
      header,
      note,
      ...this.#activationControls(
        activation,
        outputActivations,
        'output',
        'Activation of the output layer',
        (text) => this.#changed({ outputActivation: text }),
      ),
    );
  }

  /** A choice of names, and a field for an expression when it is one of the user's own. */
  #activationControls(
    activation: string,
    names: readonly string[],
    key: string,
    label: string,
    chosen: (activation: string) => void,
  ): HTMLElement[] {
    const isOwn = isExpression(activation);
    const options = [...names, OWN].map((name) => h('option', { value: name, textContent: name }));
    const select = h('select', { attributes: { 'aria-label': label }, dataset: { key } }, ...options);
    select.value = isOwn ? OWN : activation;
    select.addEventListener('change', () => chosen(select.value === OWN ? FIRST_EXPRESSION : select.value));
    if (!isOwn) return [select];
    const input = h('input', {
      className: 'expression',
      value: activation.slice(1),
      spellcheck: false,
      title: `An expression of z: ${expressionHelp}`,
      attributes: {
        'aria-label': `${label} as an expression of z`,
        autocapitalize: 'off',
        autocomplete: 'off',
      },
      dataset: { key: `${key}-expression` },
    });
    const problem = h('div', { className: 'problem', hidden: true, attributes: { role: 'alert' } });
    input.addEventListener('change', () => {
      try {
        chosen(`=${parseExpression(input.value).text}`);
      } catch (error) {
        input.setAttribute('aria-invalid', 'true');
        problem.textContent = (error as Error).message;
        problem.hidden = false;
      }
    });
    return [select, input, problem];
  }
}
