/**
 * What layers do in training steps only: dropout and noise. Nothing random is stored: the bits of an element follow from
 * the scalars, the layer and its place in the batch, as `mask-kernels.ts` of the reference defines them.
 */
import { UnaryCode } from '../src/opcodes';
import { Batch } from './batch';
import { Share } from './share';
import { F32x4 } from './simd';
import { Four } from './unary';

const FIRST: i32 = 0x21f0aaad;
const SECOND: i32 = 0x735a2d97;
const GOLDEN: u32 = 0x9e3779b9;
/** Masks have 24 bits for an element. */
const UNIT: f32 = 1.0 / 16777216.0;

function mix(a: u32): u32 {
  a = (a ^ (a >> 16)) * <u32>FIRST;
  a = (a ^ (a >> 15)) * <u32>SECOND;
  return a ^ (a >> 15);
}

/** Keys of the operation at hand. */
let first_key: u32 = 0;
let second_key: u32 = 0;

function find_keys(masks: usize, layer: i32): void {
  const step = <u32>(<u64>load<f64>(masks, 8));
  const base = mix(<u32>load<f64>(masks) ^ mix(<u32>layer + GOLDEN));
  first_key = mix(base + step);
  second_key = mix(mix(base ^ GOLDEN) + step);
}

class Mask {
  /** Elements from `first` on, counted with a key. */
  @inline static counted_from(first: i32, key: u32): v128 {
    return i32x4.add(i32x4.splat(first + <i32>key), i32x4(0, 1, 2, 3));
  }

  /** Zeros where bits are below the limit, multiples elsewhere. */
  @inline static dropped(input: v128, counted: v128, second: v128, limit: v128, factor: v128): v128 {
    return v128.andnot(f32x4.mul(input, factor), f32x4.lt(Mask.bits_of(counted, second), limit));
  }

  /** Numbers below 2^24 for elements that have been counted with the first key. */
  @inline static bits_of(counted: v128, second: v128): v128 {
    let a = i32x4.mul(v128.xor(counted, i32x4.shr_u(counted, 16)), i32x4.splat(FIRST));
    a = i32x4.mul(i32x4.add(v128.xor(a, i32x4.shr_u(a, 15)), second), i32x4.splat(SECOND));
    return f32x4.convert_i32x4_s(i32x4.shr_u(v128.xor(a, i32x4.shr_u(a, 15)), 8));
  }
}

export function next_masks(masks: usize): void {
  store<f64>(masks, load<f64>(masks, 8) + 1, 8);
}

export function dropout(
  input: usize,
  output: usize,
  units: i32,
  dropped: i32,
  layer: i32,
  masks: usize,
): void {
  find_keys(masks, layer);
  const first = Share.first_column();
  const limit = f32x4.splat(<f32>dropped);
  const factor = f32x4.splat(<f32>1 / (<f32>1 - <f32>dropped * UNIT));
  const second = i32x4.splat(second_key);
  let counted = Mask.counted_from(first, first_key);
  let count = Share.end_column(Batch.rows * units) - first;
  input += (<usize>first) << 2;
  output += (<usize>first) << 2;
  for (; count >= 4; count -= 4, input += 16, output += 16) {
    v128.store(output, Mask.dropped(v128.load(input), counted, second, limit, factor));
    counted = i32x4.add(counted, i32x4.splat(4));
  }
  if (count === 0) return;
  const rest = Mask.dropped(F32x4.load_last(input, count), counted, second, limit, factor);
  F32x4.store_last(output, rest, count);
}

export function gaussian_noise(
  input: usize,
  output: usize,
  units: i32,
  deviation_at: usize,
  layer: i32,
  masks: usize,
): void {
  find_keys(masks, layer);
  const first = Share.first_column();
  const deviation = f32x4.splat(<f32>load<f64>(deviation_at));
  const second = i32x4.splat(second_key);
  const other_second = i32x4.splat(mix(first_key));
  let counted = Mask.counted_from(first, first_key);
  let other = Mask.counted_from(first, mix(second_key));
  let count = Share.end_column(Batch.rows * units) - first;
  input += (<usize>first) << 2;
  output += (<usize>first) << 2;
  for (; count > 0; count -= 4, input += 16, output += 16) {
    const share = f32x4.mul(f32x4.add(Mask.bits_of(counted, second), f32x4.splat(1.0)), f32x4.splat(UNIT));
    // 2 pi / 2^24.
    const angle = f32x4.mul(Mask.bits_of(other, other_second), f32x4.splat(3.74507028e-7));
    const radius = f32x4.sqrt(f32x4.mul(f32x4.splat(-2.0), Four.value(UnaryCode.log, share)));
    const normal = f32x4.mul(radius, Four.value(UnaryCode.cos, angle));
    F32x4.store_last(output, F32x4.fma(deviation, normal, F32x4.load_last(input, count)), count);
    counted = i32x4.add(counted, i32x4.splat(4));
    other = i32x4.add(other, i32x4.splat(4));
  }
}
