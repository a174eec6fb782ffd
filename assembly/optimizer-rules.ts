/**
 * Updates of parameters by the rules of `OptimizerCode`. What does not depend on the parameter is computed once a step,
 * in float64, and rounded once. Buffers and scalars come by address, 0 where absent.
 */
import { OptimizerCode } from '../src/opcodes';
import { OptimizerScalar } from '../src/optimizer-scalars';
import { LastVectors } from './optimizers';
import { Share } from './share';
import { F32x4, Subnormal } from './simd';

class Scalars {
  @inline static get(scalars: usize, index: i32): f64 {
    return load<f64>(scalars + ((<usize>index) << 3));
  }

  @inline static set(scalars: usize, index: i32, value: f64): f64 {
    store<f64>(scalars + ((<usize>index) << 3), value);
    return value;
  }

  /** Writes coefficients from c0 on. */
  static put(scalars: usize, c0: f64, c1: f64, c2: f64, c3: f64): void {
    Scalars.set(scalars, OptimizerScalar.c0, c0);
    Scalars.set(scalars, OptimizerScalar.c1, c1);
    Scalars.set(scalars, OptimizerScalar.c2, c2);
    Scalars.set(scalars, OptimizerScalar.c3, c3);
  }

  /** Writes coefficients from c4 on. */
  static put_step(scalars: usize, c4: f64, c5: f64, c6: f64, c7: f64): void {
    Scalars.set(scalars, OptimizerScalar.c4, c4);
    Scalars.set(scalars, OptimizerScalar.c5, c5);
    Scalars.set(scalars, OptimizerScalar.c6, c6);
    Scalars.set(scalars, OptimizerScalar.c7, c7);
  }

  /** A coefficient in all lanes. */
  @inline static splat(scalars: usize, index: i32): v128 {
    return f32x4.splat(<f32>Scalars.get(scalars, index));
  }
}

export function advance_optimizer(scalars: usize, learning_rate: usize, rule: i32): void {
  const rate = load<f64>(learning_rate);
  const decay1 = Scalars.get(scalars, OptimizerScalar.decay1);
  const decay2 = Scalars.get(scalars, OptimizerScalar.decay2);
  const epsilon = Scalars.get(scalars, OptimizerScalar.epsilon);
  const option = Scalars.get(scalars, OptimizerScalar.option);
  const steps = Scalars.set(scalars, OptimizerScalar.steps, Scalars.get(scalars, OptimizerScalar.steps) + 1);
  const power1 = advance_power(scalars, OptimizerScalar.power1, decay1);
  const power2 = advance_power(scalars, OptimizerScalar.power2, decay2);
  const power3 = advance_power(scalars, OptimizerScalar.power3, option);
  const bias1 = 1 - power1;
  const bias2 = 1 - power2;
  const decoupled = Scalars.get(scalars, OptimizerScalar.decoupledDecay);
  Scalars.set(scalars, OptimizerScalar.intoGradient, Scalars.get(scalars, OptimizerScalar.weightDecay));
  Scalars.set(scalars, OptimizerScalar.kept, 1 - rate * decoupled);
  Scalars.put(scalars, decay1, 1 - decay1, decay2, 1 - decay2);
  switch (rule) {
    case OptimizerCode.amsgrad:
      Scalars.put_step(scalars, 0, rate / bias1, 1 / sqrt<f64>(bias2), epsilon);
      break;
    case OptimizerCode.nadam: {
      const momentum = decay1 * (1 - 0.5 * power3);
      const next = decay1 * (1 - 0.5 * power3 * option);
      const product = advance_power(scalars, OptimizerScalar.product, momentum);
      const along_gradient = (rate * (1 - momentum)) / (1 - product);
      const along_mean = (rate * next) / (1 - product * next);
      Scalars.put_step(scalars, along_gradient, along_mean, 1 / sqrt<f64>(bias2), epsilon);
      break;
    }
    case OptimizerCode.radam: {
      const limit = 2 / (1 - decay2) - 1;
      const length = limit - (2 * steps * power2) / bias2;
      if (length <= 5) {
        Scalars.put_step(scalars, 0, rate / bias1, 0, 1);
      } else {
        const share = ((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length);
        Scalars.put_step(scalars, 0, (rate * sqrt<f64>(share) * sqrt<f64>(bias2)) / bias1, 1, epsilon);
      }
      break;
    }
    case OptimizerCode.adamax:
      Scalars.put(scalars, decay1, 1 - decay1, decay2, epsilon);
      Scalars.set(scalars, OptimizerScalar.c4, rate / bias1);
      break;
    case OptimizerCode.rmsprop:
      Scalars.put(scalars, decay2, 1 - decay2, decay1, epsilon);
      Scalars.set(scalars, OptimizerScalar.c4, rate);
      break;
    case OptimizerCode.adagrad:
      Scalars.put(scalars, 1, 1, 0, epsilon);
      Scalars.set(scalars, OptimizerScalar.c4, rate / (1 + (steps - 1) * option));
      break;
    case OptimizerCode.adadelta:
      Scalars.put(scalars, decay2, 1 - decay2, epsilon, rate);
      break;
    case OptimizerCode.lion:
      Scalars.set(scalars, OptimizerScalar.c4, rate);
      break;
    case OptimizerCode.rprop:
      Scalars.put(scalars, decay1, decay2, option, Scalars.get(scalars, OptimizerScalar.largest));
      break;
  }
}

function advance_power(scalars: usize, index: i32, factor: f64): f64 {
  return Scalars.set(scalars, index, Scalars.get(scalars, index) * factor);
}

class Blend {
  /** a x + b y of four numbers x, kept in their place, without subnormal ones. */
  @inline static step(place: usize, a: v128, b: v128, y: v128, magnitude: v128, smallest_normal: v128): v128 {
    const sum = F32x4.fma(a, v128.load(place), f32x4.mul(b, y));
    const blended = F32x4.flush_subnormal(sum, magnitude, smallest_normal);
    v128.store(place, blended);
    return blended;
  }
}

export function optimizer_step(
  parameters: usize,
  gradient: usize,
  state1: usize,
  state2: usize,
  state3: usize,
  count: i32,
  scalars: usize,
  rule: i32,
): void {
  const begin = (<usize>Share.first_column()) << 2;
  const bytes = (<usize>Share.end_column(count)) << 2;
  const at = bytes & ~15;
  if (begin < at) step_whole(parameters, gradient, state1, state2, state3, begin, at, scalars, rule);
  const left = <i32>((bytes - at) >> 2);
  if (left === 0) return;
  const last_parameters = LastVectors.take(parameters, at, left, 0);
  const last_gradient = LastVectors.take(gradient, at, left, 1);
  const last1 = LastVectors.take(state1, at, left, 2);
  const last2 = LastVectors.take(state2, at, left, 3);
  const last3 = LastVectors.take(state3, at, left, 4);
  step_whole(last_parameters, last_gradient, last1, last2, last3, 0, 16, scalars, rule);
  LastVectors.put(last_parameters, parameters, at, left);
  LastVectors.put(last1, state1, at, left);
  LastVectors.put(last2, state2, at, left);
  LastVectors.put(last3, state3, at, left);
}

/** Updates whole vectors of parameters, from byte `begin` to before `end` of each buffer: a loop for each rule. */
function step_whole(
  parameters: usize,
  gradient: usize,
  state1: usize,
  state2: usize,
  state3: usize,
  begin: usize,
  end: usize,
  scalars: usize,
  rule: i32,
): void {
  const into_gradient = Scalars.splat(scalars, OptimizerScalar.intoGradient);
  const kept = Scalars.splat(scalars, OptimizerScalar.kept);
  const c0 = Scalars.splat(scalars, OptimizerScalar.c0);
  const c1 = Scalars.splat(scalars, OptimizerScalar.c1);
  const c2 = Scalars.splat(scalars, OptimizerScalar.c2);
  const c3 = Scalars.splat(scalars, OptimizerScalar.c3);
  const c4 = Scalars.splat(scalars, OptimizerScalar.c4);
  const zero = f32x4.splat(0);
  const magnitude = Subnormal.magnitude();
  const smallest_normal = Subnormal.smallest_normal();
  let at = begin;
  switch (rule) {
    case OptimizerCode.amsgrad:
    case OptimizerCode.nadam:
    case OptimizerCode.radam: {
      const c5 = Scalars.splat(scalars, OptimizerScalar.c5);
      const c6 = Scalars.splat(scalars, OptimizerScalar.c6);
      const c7 = Scalars.splat(scalars, OptimizerScalar.c7);
      do {
        const w = v128.load(parameters + at);
        const g = F32x4.fma(into_gradient, w, v128.load(gradient + at));
        const m = Blend.step(state1 + at, c0, c1, g, magnitude, smallest_normal);
        let u = Blend.step(state2 + at, c2, c3, f32x4.mul(g, g), magnitude, smallest_normal);
        if (state3 !== 0) {
          u = F32x4.max(u, v128.load(state3 + at));
          v128.store(state3 + at, u);
        }
        const along = F32x4.fma(c4, g, f32x4.mul(c5, m));
        const taken = f32x4.div(along, F32x4.fma(c6, f32x4.sqrt(u), c7));
        v128.store(parameters + at, f32x4.sub(f32x4.mul(kept, w), taken));
        at += 16;
      } while (at < end);
      break;
    }
    case OptimizerCode.adamax: {
      do {
        const w = v128.load(parameters + at);
        const g = F32x4.fma(into_gradient, w, v128.load(gradient + at));
        const m = Blend.step(state1 + at, c0, c1, g, magnitude, smallest_normal);
        const decayed = f32x4.mul(c2, v128.load(state2 + at));
        const u = F32x4.max(f32x4.add(f32x4.abs(g), c3), decayed);
        v128.store(state2 + at, u);
        const taken = f32x4.div(f32x4.mul(c4, m), u);
        v128.store(parameters + at, f32x4.sub(f32x4.mul(kept, w), taken));
        at += 16;
      } while (at < end);
      break;
    }
    case OptimizerCode.rmsprop:
    case OptimizerCode.adagrad: {
      do {
        const w = v128.load(parameters + at);
        const g = F32x4.fma(into_gradient, w, v128.load(gradient + at));
        let square = Blend.step(state1 + at, c0, c1, f32x4.mul(g, g), magnitude, smallest_normal);
        if (state3 !== 0) {
          const mean = Blend.step(state3 + at, c0, c1, g, magnitude, smallest_normal);
          square = F32x4.max(F32x4.fnma(mean, mean, square), zero);
        }
        let step = f32x4.div(g, f32x4.add(f32x4.sqrt(square), c3));
        if (state2 !== 0) {
          const velocity = F32x4.fma(c2, v128.load(state2 + at), step);
          step = F32x4.flush_subnormal(velocity, magnitude, smallest_normal);
          v128.store(state2 + at, step);
        }
        const taken = f32x4.mul(c4, step);
        v128.store(parameters + at, f32x4.sub(f32x4.mul(kept, w), taken));
        at += 16;
      } while (at < end);
      break;
    }
    case OptimizerCode.adadelta: {
      do {
        const w = v128.load(parameters + at);
        const g = F32x4.fma(into_gradient, w, v128.load(gradient + at));
        const v = Blend.step(state1 + at, c0, c1, f32x4.mul(g, g), magnitude, smallest_normal);
        const ratio = f32x4.div(f32x4.add(v128.load(state2 + at), c2), f32x4.add(v, c2));
        const delta = f32x4.mul(g, f32x4.sqrt(ratio));
        Blend.step(state2 + at, c0, c1, f32x4.mul(delta, delta), magnitude, smallest_normal);
        v128.store(parameters + at, f32x4.sub(f32x4.mul(kept, w), f32x4.mul(c3, delta)));
        at += 16;
      } while (at < end);
      break;
    }
    case OptimizerCode.lion: {
      do {
        const w = v128.load(parameters + at);
        const g = F32x4.fma(into_gradient, w, v128.load(gradient + at));
        const direction = F32x4.fma(c0, v128.load(state1 + at), f32x4.mul(c1, g));
        Blend.step(state1 + at, c2, c3, g, magnitude, smallest_normal);
        const taken = f32x4.mul(c4, F32x4.sign(direction));
        v128.store(parameters + at, f32x4.sub(f32x4.mul(kept, w), taken));
        at += 16;
      } while (at < end);
      break;
    }
    case OptimizerCode.rprop: {
      do {
        const w = v128.load(parameters + at);
        const g = F32x4.fma(into_gradient, w, v128.load(gradient + at));
        // Of the sign of their product, which is not zero where neither is.
        const grown = F32x4.grow(g);
        const turn = f32x4.mul(grown, v128.load(state2 + at));
        const back = f32x4.lt(turn, zero);
        const turned = F32x4.select(back, c1, f32x4.splat(1));
        const factor = F32x4.select(f32x4.gt(turn, zero), c0, turned);
        const scaled = f32x4.mul(v128.load(state1 + at), factor);
        const size = F32x4.min(F32x4.max(scaled, c2), c3);
        v128.store(state1 + at, size);
        v128.store(state2 + at, v128.andnot(g, back));
        const taken = f32x4.mul(v128.andnot(F32x4.cut(grown), back), size);
        v128.store(parameters + at, f32x4.sub(f32x4.mul(kept, w), taken));
        at += 16;
      } while (at < end);
      break;
    }
  }
}
