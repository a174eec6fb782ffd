/** A library whose defaults are taken for initialisation, penalties and optimizers. */
export type Preset = 'torch' | 'keras' | 'sklearn';

export const presetNames: readonly Preset[] = ['torch', 'keras', 'sklearn'];
