/**
 * Waits until somebody notifies the address, where it still has the expected number; without end for -1 nanoseconds. A
 * function of its own, called from several places so that it stays one: V8 11 (Node 20) first compiles a loop with a wait
 * in it so that it goes wrong behind the wait, and a thread in that loop never comes back.
 */
export function wait(address: usize, expected: i32, nanoseconds: i64): void {
  atomic.wait<i32>(address, expected, nanoseconds);
}
