import { App } from './app.js';
import { modelFileName } from './model/model-file.js';
import type { Pace } from './model/tempo.js';
import { setUpTheme } from './ui/colors.js';
import { byId, h } from './ui/dom.js';
import { showMessage } from './ui/message.js';

const app = new App();
setUpTheme(byId<HTMLButtonElement>('theme'), () => app.repaint());

byId('play').addEventListener('click', () => app.toggle());
byId('step').addEventListener('click', () => void app.step());
byId('reset').addEventListener('click', () => void app.reset());
byId('new-seed').addEventListener('click', () => app.newSeed());
byId('seed').addEventListener('change', (event) =>
  app.setSeed(Number((event.target as HTMLInputElement).value)),
);
byId('pace').addEventListener('change', (event) => {
  const { value } = event.target as HTMLSelectElement;
  void app.setPace((value === 'full' ? 'full' : Number(value)) as Pace);
});
byId('log-scale').addEventListener('change', (event) => {
  app.isLogarithmic = (event.target as HTMLInputElement).checked;
});

byId('share').addEventListener('click', () => void copy(app.link, 'The link is copied.'));
byId('copy-code').addEventListener(
  'click',
  () => void copy(byId('code').textContent ?? '', 'The code is copied.'),
);
byId('save').addEventListener('click', () => {
  const file = app.modelFile;
  if (file !== null) download(file, modelFileName);
});
const fileInput = byId<HTMLInputElement>('load-file');
byId('load').addEventListener('click', () => fileInput.click());
fileInput.addEventListener('change', async () => {
  const [file] = fileInput.files ?? [];
  if (file) await app.loadModel(file);
  fileInput.value = '';
});

// Space plays and pauses wherever no control takes it.
document.addEventListener('keydown', (event) => {
  if (event.key !== ' ' || event.target !== document.body) return;
  event.preventDefault();
  app.toggle();
});
window.addEventListener('hashchange', () => void app.start());

await app.start();
document.documentElement.dataset.ready = 'true';

async function copy(text: string, done: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    showMessage(done);
  } catch (error) {
    showMessage(`The browser does not allow copying: ${(error as Error).message}`, true);
  }
}

function download(bytes: Uint8Array<ArrayBuffer>, name: string): void {
  const url = URL.createObjectURL(new Blob([bytes]));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
