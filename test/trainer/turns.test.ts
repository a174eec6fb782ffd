import { expect, it } from 'vitest';
import { Turns, yieldToEventLoop } from '../../src/event-loop.js';

it('a turn of the event loop is given up when it has lasted some milliseconds, and not before', {
  retry: 2,
}, async () => {
  await yieldToEventLoop();
  const turns = new Turns();
  let others = 0;
  setImmediate(() => others++);
  await turns.take();
  expect([turns.isOver, others]).toEqual([false, 0]);
  const began = performance.now();
  while (performance.now() < began + 6);
  expect(turns.isOver).toBe(true);
  await turns.take();
  expect([turns.isOver, others]).toEqual([false, 1]);
});
