import type { Browser, Page } from 'playwright-core';

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds: when, how long by the clock, and how long the thread had a processor meanwhile. */
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
}

/** A task of the page's main thread in milliseconds: by the clock, and of processor time. */
export interface Task {
  readonly wall: number;
  readonly processor: number;
}

/**
 * The tasks of the page's main thread that ran between its marks `begin` and `end`, set while `body` runs, the one that
 * sets the first mark included. Processor time leaves out what other programs of a busy machine took, so that it is the
 * length of a task on an idle one.
 */
export async function tasksBetween(
  browser: Browser,
  page: Page,
  [begin, end]: readonly [string, string],
  body: () => Promise<unknown>,
): Promise<Task[]> {
  await browser.startTracing(page, {
    categories: ['disabled-by-default-devtools.timeline', 'blink.user_timing'],
  });
  await body().catch(async (error) => {
    await browser.stopTracing();
    throw error;
  });
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: TraceEvent[];
  };
  const markOf = (name: string): TraceEvent => {
    const mark = traceEvents.find((event) => event.name === name);
    if (!mark) throw new Error(`the page did not set the mark '${name}'`);
    return mark;
  };
  const first = markOf(begin);
  const last = markOf(end);
  return traceEvents
    .filter(({ name, pid, tid, ts, dur = 0 }) => {
      const onMainThread = pid === first.pid && tid === first.tid;
      return name === 'RunTask' && onMainThread && ts + dur > first.ts && ts < last.ts;
    })
    .map(({ dur = 0, tdur = 0 }) => ({ wall: dur / 1000, processor: tdur / 1000 }));
}
