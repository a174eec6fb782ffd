import { describe, expect, it } from 'vitest';
import { joinDigits, loadMnist } from '../../examples/mnist/data.js';
import type { IdxArray } from '../../src/io/idx.js';

const uint8 = (...shape: number[]): IdxArray => ({
  type: 'uint8',
  shape,
  data: new Uint8Array(shape.reduce((product, size) => product * size, 1)),
});

describe('the MNIST example', () => {
  it('reads 60,000 training and 10,000 test digits', async () => {
    const { train, test } = await loadMnist();
    expect([train.count, train.images.length, train.labels.length]).toEqual([60000, 60000 * 784, 60000]);
    expect([test.count, test.images.length, test.labels.length]).toEqual([10000, 10000 * 784, 10000]);
    const occurrences = new Array(10).fill(0);
    for (const label of train.labels) occurrences[label]++;
    expect(occurrences).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
  });

  it('joins images and labels', () => {
    expect(joinDigits(uint8(2, 28, 28), uint8(2), 'test')).toMatchObject({ count: 2 });
  });

  it.each<[string, IdxArray, IdxArray, string]>([
    [
      'labels in the place of images',
      uint8(5),
      uint8(5),
      'images must be uint8 of shape [count, 28, 28]: received uint8 of shape [5]',
    ],
    [
      'images in the place of labels',
      uint8(2, 28, 28),
      uint8(2, 28, 28),
      'labels must be uint8 of shape [count]: received uint8 of shape [2, 28, 28]',
    ],
    [
      'images of another type',
      { type: 'int16', shape: [1, 28, 28], data: new Int16Array(784) },
      uint8(1),
      'images must be uint8 of shape [count, 28, 28]: received int16 of shape [1, 28, 28]',
    ],
    [
      'images of another size',
      uint8(2, 28, 27),
      uint8(2),
      'images must have 28 x 28 pixels: received uint8 of shape [2, 28, 27]',
    ],
    [
      'labels of other images',
      uint8(2, 28, 28),
      uint8(3),
      'there must be one label per image: received 2 images and 3 labels',
    ],
    [
      'labels that are no digits',
      uint8(2, 28, 28),
      { type: 'uint8', shape: [2], data: Uint8Array.of(9, 10) },
      'labels must be 0 to 9: received 10 for image 1',
    ],
  ])('refuses %s', (_case, images, labels, text) => {
    expect(() => joinDigits(images, labels, 'test')).toThrow(`Cannot use the test digits: ${text}`);
  });
});
