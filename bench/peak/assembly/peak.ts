// As peak.cc, in WebAssembly: a multiplication and an addition, or the fused one where the engine has it.

/** More chains than twelve spill: the engine has sixteen registers. */
const CHAINS: i32 = 12;
const ROUNDS: i32 = 4096;

/** Floating-point operations of one repeat. */
export const FLOP: i32 = 2 * 4 * CHAINS * ROUNDS;

class Chain {
  @inline static step(sum: v128, a: v128, b: v128): v128 {
    return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(sum, a, b) : f32x4.add(f32x4.mul(sum, a), b);
  }
}

/** Does the work `repeats` times; the sum keeps it alive. */
export function run(repeats: i32, factor: f32, term: f32): f32 {
  const a = f32x4.splat(factor);
  const b = f32x4.splat(term);
  let s0 = a;
  let s1 = b;
  let s2 = a;
  let s3 = b;
  let s4 = a;
  let s5 = b;
  let s6 = a;
  let s7 = b;
  let s8 = a;
  let s9 = b;
  let s10 = a;
  let s11 = b;
  for (let left = repeats * ROUNDS; left > 0; left--) {
    s0 = Chain.step(s0, a, b);
    s1 = Chain.step(s1, a, b);
    s2 = Chain.step(s2, a, b);
    s3 = Chain.step(s3, a, b);
    s4 = Chain.step(s4, a, b);
    s5 = Chain.step(s5, a, b);
    s6 = Chain.step(s6, a, b);
    s7 = Chain.step(s7, a, b);
    s8 = Chain.step(s8, a, b);
    s9 = Chain.step(s9, a, b);
    s10 = Chain.step(s10, a, b);
    s11 = Chain.step(s11, a, b);
  }
  const low = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  const middle = f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7));
  const high = f32x4.add(f32x4.add(s8, s9), f32x4.add(s10, s11));
  return f32x4.extract_lane(f32x4.add(low, f32x4.add(middle, high)), 0);
}
