/** Colours of the current theme as numbers, for what is painted pixel by pixel. */
export type Rgb = readonly [red: number, green: number, blue: number];

export interface Palette {
  readonly classes: readonly Rgb[];
  /** Between two classes, and of weights and units at zero. */
  readonly middle: Rgb;
  readonly ink: string;
  readonly muted: string;
  readonly line: string;
  readonly card: string;
  readonly soft: string;
  readonly accent: string;
  readonly train: string;
  readonly test: string;
  readonly isDark: boolean;
}

/** Classes beyond the fourth: the rest of Okabe and Ito's palette, told apart by the colour-blind. */
const moreClasses: readonly Rgb[] = [
  [86, 180, 233],
  [240, 228, 66],
  [213, 94, 0],
  [120, 120, 120],
  [0, 60, 120],
  [150, 90, 30],
];

let cached: Palette | null = null;

export function palette(): Palette {
  if (cached) return cached;
  const style = getComputedStyle(document.documentElement);
  const text = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const own = [0, 1, 2, 3].map((index) => parseHex(text(`class-${index}`)));
  cached = {
    classes: [...own, ...moreClasses],
    middle: parseHex(text('middle')),
    ink: text('ink'),
    muted: text('muted'),
    line: text('line'),
    card: text('card'),
    soft: text('soft'),
    accent: text('accent'),
    train: text('train'),
    test: text('test'),
    isDark: document.documentElement.dataset.theme === 'dark',
  };
  return cached;
}

/** A colour as it is written in a style sheet: `#4a4fc4`, or `#fff` where a minifier has been at work. */
export function parseHex(hex: string): Rgb {
  const digits = hex.length === 4 ? [...hex].flatMap((digit) => [digit, digit]).slice(1) : [...hex];
  return [1, 3, 5].map((at) => Number.parseInt(`${digits[at]}${digits[at + 1]}`, 16)) as unknown as Rgb;
}

export const cssOf = ([red, green, blue]: Rgb, alpha = 1): string =>
  `rgb(${red} ${green} ${blue} / ${alpha})`;

/** Colour of class `index`; classes beyond the palette take its colours again. */
export const classColor = (index: number): Rgb => {
  const { classes } = palette();
  return classes[index % classes.length];
};

/** From class 0's colour at −1 through the middle to class 1's at 1. */
export function diverging(value: number, into: Uint8ClampedArray, at: number): void {
  const { classes, middle } = palette();
  const share = Math.min(1, Math.abs(value));
  const end = classes[value < 0 ? 0 : 1];
  for (let channel = 0; channel < 3; channel++) {
    into[at + channel] = middle[channel] + share * (end[channel] - middle[channel]);
  }
  into[at + 3] = 255;
}

/** Light or dark, as the system says until somebody chooses; `changed` is called after each change. */
export function setUpTheme(button: HTMLButtonElement, changed: () => void): void {
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const apply = (theme: string): void => {
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === 'dark' ? 'Light' : 'Dark';
    cached = null;
    changed();
  };
  const wanted = (): string => localStorage.getItem('theme') ?? (system.matches ? 'dark' : 'light');
  system.addEventListener('change', () => apply(wanted()));
  button.addEventListener('click', () => {
    localStorage.setItem('theme', document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
    apply(wanted());
  });
  apply(wanted());
}
