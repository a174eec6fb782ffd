import type { LossName } from 'fastmlp';
import type { DataSet } from '../data/data-set.js';
import { activationForLoss, limits, type OptimizerName, type Scaling, type State } from '../model/state.js';
import { lossesFor } from '../model/task.js';
import { byId, setOptions } from './dom.js';
import { checkField, type Field, numberField, selectField } from './fields.js';

/** Loss, optimizer and rates. */
export class TrainingPanel {
  readonly #loss;
  readonly #scaling;
  readonly #fields: { readonly [Key in keyof State]?: Field<State[Key]> };
  #classes: number | null = null;

  constructor(changed: (patch: Partial<State>) => void) {
    this.#loss = selectField<LossName>('Loss', [], (loss) =>
      changed({ loss, outputActivation: activationForLoss(loss, this.#classes) }),
    );
    this.#scaling = selectField<Scaling>('Input scaling', [], (scaling) => changed({ scaling }));
    const optimizers = [
      ['adam', 'Adam'],
      ['adamw', 'AdamW'],
      ['sgd', 'SGD'],
    ] as const;
    const positive = { lowest: 0, highest: 100 };
    this.#fields = {
      optimizer: selectField<OptimizerName>('Optimizer', optimizers, (optimizer) =>
        changed({ optimizer, learningRate: optimizer === 'sgd' ? 0.1 : 0.01 }),
      ),
      learningRate: numberField(
        'Learning rate',
        { ...positive, title: 'May be changed while training' },
        (learningRate) => changed({ learningRate }),
      ),
      batchSize: numberField(
        'Batch size',
        {
          lowest: 1,
          highest: limits.batchSize,
          isWhole: true,
          title: 'Rows of one step; may be changed while training',
        },
        (batchSize) => changed({ batchSize }),
      ),
      momentum: numberField('Momentum', { lowest: 0, highest: 0.999 }, (momentum) => changed({ momentum })),
      weightDecay: numberField('Weight decay', { lowest: 0, highest: 10 }, (weightDecay) =>
        changed({ weightDecay }),
      ),
      reduction: selectField(
        'Loss of a batch',
        [
          ['mean', 'mean'],
          ['sum', 'sum'],
        ],
        (reduction) => changed({ reduction }),
        'Whether the losses of the rows of a batch are averaged or added',
      ),
      nesterov: checkField('Nesterov', (nesterov) => changed({ nesterov })),
    };
    const { optimizer, learningRate, batchSize, momentum, nesterov, weightDecay, reduction } = this.#fields;
    const all = [
      this.#loss,
      optimizer,
      learningRate,
      batchSize,
      momentum,
      nesterov,
      weightDecay,
      reduction,
      this.#scaling,
    ];
    byId('training-options').append(...all.flatMap((field) => (field ? [field.element] : [])));
    this.#loss.element.classList.add('whole');
    this.#scaling.element.classList.add('whole');
  }

  show(state: State, data: DataSet): void {
    this.#classes = data.classes?.length ?? null;
    setOptions(
      this.#loss.select,
      lossesFor(this.#classes).map((name) => [name, name] as const),
      state.loss,
    );
    const isImage = data.imageSize !== null;
    setOptions(
      this.#scaling.select,
      isImage
        ? [
            ['none', 'none: 0 to 255'],
            ['range', '0 to 1'],
          ]
        : [
            ['none', 'none'],
            ['standard', 'mean 0, deviation 1'],
            ['range', '−1 to 1'],
          ],
      isImage && state.scaling === 'standard' ? 'range' : state.scaling,
    );
    for (const [key, field] of Object.entries(this.#fields)) {
      (field as Field<unknown>).show(state[key as keyof State]);
    }
    const isSgd = state.optimizer === 'sgd';
    for (const key of ['momentum', 'nesterov'] as const) {
      const element = this.#fields[key]?.element;
      if (element) element.hidden = !isSgd;
    }
  }
}
