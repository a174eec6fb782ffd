import { afterEach, describe, expect, it, vi } from 'vitest';
import { createTrainer, dense, loadTrainer, modelCheckpoint, sgd, type Trainer } from '../../src/browser.js';
import * as inNode from '../../src/index.js';

const make = (): Promise<Trainer> =>
  createTrainer({
    inputs: 1,
    layers: [dense({ units: 1 })],
    loss: 'meanSquaredError',
    optimizer: sgd({ learningRate: 0.1 }),
    backend: 'reference',
  });

const saving = async (target: string | URL): Promise<void> => (await make()).save(target);

afterEach(() => vi.unstubAllGlobals());

describe('places of models in a browser', () => {
  it('are none but those it has', async () => {
    for (const path of ['model.safetensors', 'localstorage://a', 'indexeddb:/a', 'IndexedDB://a', '']) {
      await expect(saving(path)).rejects.toThrow(
        `Cannot save trainer: a browser saves to 'indexeddb://name', 'downloads://name', WritableStreams and functions; a path needs Node: received '${path}'`,
      );
      await expect(loadTrainer(path)).rejects.toThrow(
        `Cannot load trainer: a browser loads 'indexeddb://name', bytes and Blobs; a path needs Node: received '${path}'`,
      );
    }
    await expect(saving(new URL('file:///a'))).rejects.toThrow("a path needs Node: received 'file:///a'");
  });

  it('have a name', async () => {
    await expect(saving('indexeddb://')).rejects.toThrow(
      "Cannot save trainer: a name must follow 'indexeddb://': received 'indexeddb://'",
    );
    await expect(saving('downloads://')).rejects.toThrow("a name must follow 'downloads://'");
    await expect(loadTrainer('indexeddb://')).rejects.toThrow('Cannot load trainer: a name must follow');
  });

  it('are not read where they were downloaded', async () => {
    await expect(loadTrainer('downloads://a')).rejects.toThrow(
      "Cannot load trainer: what was downloaded must be given as a Blob, such as the user's File: received 'downloads://a'",
    );
  });

  it('need what keeps them', async () => {
    await expect(saving('indexeddb://a')).rejects.toThrow(
      /^Cannot save trainer: IndexedDB must be there and have room: received .*indexedDB is not defined/,
    );
    await expect(saving('downloads://a')).rejects.toThrow(
      "Cannot save trainer: 'downloads://' needs a page: received a call without a document",
    );
    const refusal = new Error('the operation is insecure');
    vi.stubGlobal('indexedDB', {
      open: () => {
        throw refusal;
      },
    });
    await expect(saving('indexeddb://a')).rejects.toMatchObject({
      message:
        'Cannot save trainer: IndexedDB must be there and have room: received Error: the operation is insecure',
      cause: refusal,
    });
  });

  it('end a run that cannot write its checkpoint', async () => {
    const callbacks = modelCheckpoint('run.safetensors');
    const running = (await make()).fit([1, 2], [1, 2], { epochs: 2, callbacks });
    await expect(running).rejects.toThrow("a path needs Node: received 'run.safetensors'");
  });
});

describe('in Node', () => {
  it.each(['indexeddb://a', 'downloads://a'])('%s is no path', async (place) => {
    const trainer = await inNode.createTrainer({
      inputs: 1,
      layers: [dense({ units: 1 })],
      loss: 'meanSquaredError',
      optimizer: sgd({ learningRate: 0.1 }),
      backend: 'reference',
    });
    const rule = "Node has paths and file URLs; 'indexeddb://' and 'downloads://' need a browser";
    for (const target of [place, new URL(place)]) {
      await expect(trainer.save(target)).rejects.toThrow(`Cannot write file: ${rule}: received '${place}'`);
      await expect(inNode.loadTrainer(target)).rejects.toThrow(
        `Cannot read file: ${rule}: received '${place}'`,
      );
    }
    const callbacks = modelCheckpoint(place);
    await expect(trainer.fit([1, 2], [1, 2], { callbacks })).rejects.toThrow(rule);
  });
});
