/** The script of a worker that has an executor in a memory of its own. */
import { OwnExecutor } from './own-executor.js';
import { serve } from './serve.js';

let executor: OwnExecutor | null = null;

serve(async (message, answer) => {
  if (message.kind === 'own') {
    executor = await OwnExecutor.create(message, answer);
    answer({ kind: 'ready' });
  } else await executor?.receive(message);
});
