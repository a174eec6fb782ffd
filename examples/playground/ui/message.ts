import { byId } from './dom.js';

/** How long a message stays. */
const STAY_MS = 8000;

let timer = 0;

/** A line at the bottom of the page for some seconds. */
export function showMessage(text: string, isError = false): void {
  const element = byId('message');
  element.textContent = text;
  element.hidden = false;
  element.dataset.kind = isError ? 'error' : 'note';
  window.clearTimeout(timer);
  timer = window.setTimeout(() => {
    element.hidden = true;
  }, STAY_MS);
}
