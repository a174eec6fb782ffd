/** In memory: constants are written out at every use, 18 bytes each. */
const NORMAL = memory.data<u32>([0x7fffffff, 0x00800000]);

/** What tells subnormal numbers from others: the bits but the sign, and the least number with all its digits. */
export class Subnormal {
  @inline static magnitude(): v128 {
    return v128.load32_splat(NORMAL);
  }

  @inline static smallest_normal(): v128 {
    return v128.load32_splat(NORMAL, 4);
  }
}

/**
 * What the kernels need of four float32 lanes beyond the built-in `f32x4` and `v128`. `n` counts the lanes that exist:
 * memory behind them is neither read nor written.
 */
export class F32x4 {
  /** Up to four numbers; lanes that do not exist are zero. */
  @inline static load_first(p: usize, n: i32): v128 {
    if (n >= 4) return v128.load(p);
    if (n === 1) return v128.load32_zero(p);
    const low = v128.load64_zero(p);
    return n === 2 ? low : v128.load32_lane(p, low, 2, 8);
  }

  /** Stores up to four numbers. */
  @inline static store_first(p: usize, v: v128, n: i32): void {
    if (n >= 4) {
      v128.store(p, v);
    } else if (n === 1) {
      v128.store32_lane(p, v, 0);
    } else {
      v128.store64_lane(p, v, 0);
      if (n === 3) v128.store32_lane(p, v, 2, 8);
    }
  }

  /**
   * As `load_first`, by a call: a tenth of the bytes, for what is done once a row or less. A loop that has a call behind
   * it, or in it, does not keep its vectors in registers.
   */
  static load_last(p: usize, n: i32): v128 {
    return F32x4.load_first(p, n);
  }

  /** As `store_first`, by a call. */
  static store_last(p: usize, v: v128, n: i32): void {
    F32x4.store_first(p, v, n);
  }

  /** As `load_first`: in place of four numbers, where `n` is that constant, else by a call. */
  @inline static load_part(p: usize, n: i32): v128 {
    return n === 4 ? v128.load(p) : F32x4.load_last(p, n);
  }

  @inline static store_part(p: usize, v: v128, n: i32): void {
    if (n === 4) v128.store(p, v);
    else F32x4.store_last(p, v, n);
  }

  /** v, with `other` in the lanes that do not exist. */
  @inline static keep(v: v128, n: i32, other: v128): v128 {
    if (n >= 4) return v;
    return v128.bitselect(v, other, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n)));
  }

  /** a b + c; relaxed SIMD rounds once where the processor can. */
  @inline static fma(a: v128, b: v128, c: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
    return f32x4.add(f32x4.mul(a, b), c);
  }

  /** c - a b. */
  @inline static fnma(a: v128, b: v128, c: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
    return f32x4.sub(c, f32x4.mul(a, b));
  }

  /** The larger; `a` if either is NaN. */
  @inline static max(a: v128, b: v128): v128 {
    return f32x4.pmax(a, b);
  }

  /** The smaller; `a` if either is NaN. */
  @inline static min(a: v128, b: v128): v128 {
    return f32x4.pmin(a, b);
  }

  @inline static select(mask: v128, yes: v128, no: v128): v128 {
    return v128.bitselect(yes, no, mask);
  }

  /** -1, 0 or 1; NaN of NaN. */
  @inline static sign(a: v128): v128 {
    return F32x4.cut(F32x4.grow(a));
  }

  /** a 2^252, so that the least number that is not zero becomes 2^103. */
  @inline static grow(a: v128): v128 {
    const large = f32x4.splat(8.507059e37);
    return f32x4.mul(f32x4.mul(a, large), large);
  }

  /** a in [-1, 1]. */
  @inline static cut(a: v128): v128 {
    return F32x4.max(F32x4.min(a, f32x4.splat(1)), f32x4.splat(-1));
  }

  /** a, with zero for subnormal numbers, on which many processors are slow. The others are those of `Subnormal`. */
  @inline static flush_subnormal(a: v128, magnitude: v128, smallest_normal: v128): v128 {
    return v128.andnot(a, f32x4.lt(v128.and(a, magnitude), smallest_normal));
  }

  /** a 2^n for integral n in [-252, 254], in two factors so that neither overflows before the product does. */
  @inline static scale(a: v128, n: v128): v128 {
    // Adding 1.5 * 2^23 leaves n in the low bits.
    const shift = f32x4.splat(12582912.0);
    const whole = i32x4.sub(f32x4.add(n, shift), shift);
    const half = i32x4.shr_s(whole, 1);
    return f32x4.mul(f32x4.mul(a, power_of_two(half)), power_of_two(i32x4.sub(whole, half)));
  }

  @inline static reduce_add(v: v128): f32 {
    const pairs = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
    return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
  }

  /** The sum of each of four vectors. */
  @inline static reduce_add_each(a: v128, b: v128, c: v128, d: v128): v128 {
    const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
    const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 2, 4, 6), v128.shuffle<f32>(c, d, 1, 3, 5, 7));
    return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
  }

  /** The largest lane; NaN where lane 0 is NaN, else NaNs are left out. */
  @inline static reduce_max(v: v128): f32 {
    const pairs = f32x4.pmax(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
    return f32x4.extract_lane(f32x4.pmax(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2)), 0);
  }
}

/** 2^n for integers n in [-126, 127]. */
function power_of_two(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}
