import type { Dataset } from './backends/backend.js';
import type { Good } from './divergence.js';
import type { Engine } from './engine.js';
import { type Job, type JobMark, JobState } from './job.js';
import type { JobControl } from './job-control.js';
import type { JobRecord } from './job-journal.js';
import { ScalarCode } from './opcodes.js';

/** Leaves the engine in the state before the last job of a record. The same steps give the same bits. */
export async function stateBefore(
  engine: Engine,
  { copy, jobs }: JobRecord,
  dataset: Dataset,
  control: JobControl,
): Promise<Good> {
  engine.restore(copy);
  for (const [index, { job, mark, rate, plateau }] of jobs.entries()) {
    engine.executor.scalars[engine.plan.learningRate] = rate;
    engine.plateau = plateau;
    if (index < jobs.length - 1) await runAgain(engine, job, mark, dataset, control);
  }
  return { capture: engine.capture(), mark: jobs[jobs.length - 1].mark };
}

/** Runs a job from `mark` to its end, or to before step `end`, even if the run is stopped meanwhile. */
export async function runAgain(
  engine: Engine,
  job: Job,
  mark: JobMark,
  dataset: Dataset,
  control: JobControl,
  end?: number,
): Promise<JobState> {
  const state = new JobState(job, new Float64Array(job.epochs * ScalarCode.first_free)).assign(mark);
  const until = end ?? state.steps;
  const part = { partSteps: (done: number) => until - done, isDone: ({ done }: JobState) => done >= until };
  if (state.done < until) await engine.runJob(state, dataset, { ...part, control });
  if (state.done < until) await engine.runJob(state, dataset, part);
  return state;
}
