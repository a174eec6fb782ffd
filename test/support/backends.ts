import type { BackendId } from '../../src/index.js';
import { availableBackends } from '../../src/index.js';

const reports = await availableBackends();

/** Ids of the backends that this machine can run: every suite that says "each backend" goes through these. */
export const usableIds: readonly BackendId[] = reports.filter(({ usable }) => usable).map(({ id }) => id);

/** Reasons against the others. */
export const unusable = reports.filter(({ usable }) => !usable);

/** Kinds that must have been exercised, from FASTMLP_REQUIRE_BACKENDS (`native,wasm`). */
export const requiredKinds = (process.env.FASTMLP_REQUIRE_BACKENDS ?? '').split(',').filter(Boolean);

export const reportsByKind = Map.groupBy
  ? Map.groupBy(reports, ({ kind }) => kind)
  : reports.reduce(
      (map, report) => map.set(report.kind, [...(map.get(report.kind) ?? []), report]),
      new Map(),
    );
