/** Numbers at one moment of a run; null where they were not measured. */
export interface HistoryPoint {
  /** Epochs done, with the part of the one under way. */
  readonly epoch: number;
  readonly loss: number | null;
  readonly accuracy: number | null;
  readonly testLoss: number | null;
  readonly testAccuracy: number | null;
}

const MAXIMUM_POINTS = 1200;

/** The curves of a run; when there are too many points, every second one goes. */
export class RunHistory {
  #points: HistoryPoint[] = [];

  get points(): readonly HistoryPoint[] {
    return this.#points;
  }

  get last(): HistoryPoint | null {
    return this.#points.at(-1) ?? null;
  }

  add(point: HistoryPoint): void {
    this.#points.push(point);
    if (this.#points.length <= MAXIMUM_POINTS) return;
    const { length } = this.#points;
    this.#points = this.#points.filter((_, index) => index % 2 === 0 || index === length - 1);
  }

  /** The last number measured of a kind. */
  latest(kind: Exclude<keyof HistoryPoint, 'epoch'>): number | null {
    for (let index = this.#points.length - 1; index >= 0; index--) {
      const value = this.#points[index][kind];
      if (value !== null) return value;
    }
    return null;
  }

  clear(): void {
    this.#points = [];
  }
}
