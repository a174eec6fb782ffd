/** For each row of `columns` numbers, the column of the first largest. */
export function argmaxOfRows(data: ArrayLike<number>, columns: number): Int32Array {
  return Int32Array.from({ length: data.length / columns }, (_, row) => {
    const offset = row * columns;
    let best = 0;
    for (let column = 1; column < columns; column++) {
      if (data[offset + column] > data[offset + best]) best = column;
    }
    return best;
  });
}

/** 1 for each number that is at least `threshold`, else 0. */
export function binaryOfRows(data: ArrayLike<number>, threshold: number): Int32Array {
  return Int32Array.from({ length: data.length }, (_, row) => (data[row] >= threshold ? 1 : 0));
}
