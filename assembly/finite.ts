/** Every exponent bit of a float32 is set where it is NaN or infinite; without the sign the bits order like the sizes. */
const INFINITY_BITS: i32 = 0x7f800000;

/** Whether a number of some whole vectors is NaN or infinite. */
export function hasNonFinite(numbers: usize, bytes: usize): bool {
  const without_sign = i32x4.splat(0x7fffffff);
  let largest = i32x4.splat(0);
  let other = largest;
  const end = numbers + bytes;
  for (; numbers + 64 <= end; numbers += 64) {
    const a = i32x4.max_s(
      v128.and(v128.load(numbers), without_sign),
      v128.and(v128.load(numbers, 16), without_sign),
    );
    const b = i32x4.max_s(
      v128.and(v128.load(numbers, 32), without_sign),
      v128.and(v128.load(numbers, 48), without_sign),
    );
    largest = i32x4.max_s(largest, a);
    other = i32x4.max_s(other, b);
  }
  largest = i32x4.max_s(largest, other);
  for (; numbers < end; numbers += 16) {
    largest = i32x4.max_s(largest, v128.and(v128.load(numbers), without_sign));
  }
  return v128.any_true(i32x4.ge_s(largest, i32x4.splat(INFINITY_BITS)));
}
