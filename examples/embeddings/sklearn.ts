import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface PeerRows {
  readonly x: Float32Array;
  readonly labels: Int32Array;
  readonly testX: Float32Array;
  readonly testLabels: Int32Array;
}

export interface PeerOptions {
  readonly epochs: number;
  readonly batchSize: number;
  readonly units: number;
  readonly columns: number;
}

/** The same network, optimizer, split and number of epochs; a validation score an epoch, as in ours. */
const script = `
import json, sys, time, warnings
import numpy, sklearn
from sklearn.neural_network import MLPClassifier
warnings.filterwarnings('ignore')
folder, options = sys.argv[1], json.loads(sys.argv[2])
x = numpy.fromfile(folder + '/x', numpy.float32).reshape(-1, options['columns'])
test = numpy.fromfile(folder + '/testX', numpy.float32).reshape(-1, options['columns'])
labels = numpy.fromfile(folder + '/labels', numpy.int32)
test_labels = numpy.fromfile(folder + '/testLabels', numpy.int32)
model = MLPClassifier(hidden_layer_sizes=(options['units'],), alpha=0.0, batch_size=options['batchSize'],
    max_iter=options['epochs'], early_stopping=True, validation_fraction=0.1, n_iter_no_change=10**6, random_state=1)
began = time.perf_counter()
model.fit(x, labels)
seconds = time.perf_counter() - began
print(json.dumps({'seconds': seconds, 'accuracy': float(model.score(test, test_labels))}))
`;

/** Seconds and test accuracy of scikit-learn, or why it could not be asked. */
export async function trainWithSklearn(
  folder: string,
  rows: PeerRows,
  options: PeerOptions,
): Promise<{ readonly seconds: number; readonly accuracy: number } | string> {
  for (const [name, values] of Object.entries(rows)) await writeFile(join(folder, name), values);
  let reason = '';
  // Debian's own python has Debian's scikit-learn, also where another one comes first.
  for (const python of ['python3', '/usr/bin/python3']) {
    try {
      const { stdout } = await promisify(execFile)(python, ['-c', script, folder, JSON.stringify(options)]);
      return JSON.parse(stdout);
    } catch (error) {
      reason = (error as Error).message.trim().split('\n').at(-1) as string;
    }
  }
  return reason;
}
