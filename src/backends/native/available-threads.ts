import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { posix } from 'node:path';

/** The text of a file, undefined where it cannot be read. */
export type ReadText = (path: string) => string | undefined;

const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** A folder and those above it, up to the root of the tree: each may have a limit of its own. */
function upwards(root: string, path: string): string[] {
  const folders = [posix.join(root, path)];
  while (folders[0] !== root && folders[0].startsWith(`${root}/`)) folders.unshift(posix.dirname(folders[0]));
  return folders;
}

/** Processors' worth of time in a quota of so many microseconds a period; Infinity without one. */
function share(quota: string | undefined, period: string | undefined): number {
  const processors = Number(quota) / Number(period);
  return processors > 0 ? processors : Infinity;
}

/** Processors' worth of time that the control groups of this process let it have; Infinity if they do not say. */
export function cgroupProcessors(read: ReadText): number {
  const limits = [Infinity];
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === '') {
      for (const folder of upwards('/sys/fs/cgroup', path)) {
        limits.push(share(...((read(`${folder}/cpu.max`) ?? '').trim().split(' ') as [string, string])));
      }
    } else if (controllers?.split(',').includes('cpu')) {
      for (const folder of upwards(`/sys/fs/cgroup/${controllers}`, path)) {
        limits.push(share(read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`)));
      }
    }
  }
  return Math.min(...limits);
}

let counted: number | undefined;

/** How many threads this process can run at a time, by its processors and by its quota of their time. */
export function availableThreads(): number {
  counted ??= Math.max(1, Math.min(availableParallelism(), Math.floor(cgroupProcessors(readText))));
  return counted;
}
