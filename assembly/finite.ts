/** Every exponent bit of a float32 is set where it is NaN or infinite; without the sign the bits order like the sizes. */
const INFINITY_BITS: i32 = 0x7f800000;

/** Whether a number of some whole vectors is NaN or infinite. */
export function hasNonFinite(numbers: usize, bytes: usize): bool {
  const without_sign = i32x4.splat(0x7fffffff);
  let largest = i32x4.splat(0);
  for (const end = numbers + bytes; numbers < end; numbers += 16) {
    largest = i32x4.max_s(largest, v128.and(v128.load(numbers), without_sign));
  }
  return v128.any_true(i32x4.ge_s(largest, i32x4.splat(INFINITY_BITS)));
}
