import * as keeping from './keeping.js';
import * as training from './scenarios.js';

export type Library = typeof import('../../../src/browser.js');

const scenarios = { ...training, ...keeping };

type Scenario = (library: Library, argument: unknown) => unknown;

/** Runs the scenario that the address names and sends its value, or why there is none, to the server. */
export async function report(library: Promise<Library>): Promise<void> {
  const parameters = new URLSearchParams(location.search);
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (...parts: unknown[]) => {
    warnings.push(parts.join(' '));
    warn(...parts);
  };
  let outcome: object;
  try {
    const scenario = (scenarios as unknown as Record<string, Scenario>)[parameters.get('scenario') ?? ''];
    const value = await scenario(await library, JSON.parse(parameters.get('argument') ?? 'null'));
    outcome = { value, warnings };
  } catch (error) {
    outcome = { error: error instanceof Error ? `${error}\n${error.stack}` : String(error) };
  }
  await fetch(`/report?visit=${parameters.get('visit')}`, { method: 'POST', body: JSON.stringify(outcome) });
}
