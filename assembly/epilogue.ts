import { ActivationCode } from '../src/opcodes';
import { activate_f32, multiply_by_derivative_f32 } from './activations';

/** What is done to a product C while it is still in the cache. */
export class Epilogue {
  private static activation: i32 = ActivationCode.linear;
  private static net_input: usize = 0;
  private static output: usize = 0;

  /** C stays as it is. */
  static none(): void {
    Epilogue.activate(ActivationCode.linear, 0);
  }

  /** C becomes f(C); C itself goes to `net_input` unless that is 0. */
  static activate(activation: i32, net_input: usize): void {
    Epilogue.activation = activation;
    Epilogue.net_input = net_input;
    Epilogue.output = 0;
  }

  /** C becomes C f'(output), unless `output` is 0. */
  static differentiate(activation: i32, output: usize): void {
    Epilogue.activation = output === 0 ? ActivationCode.linear : activation;
    Epilogue.net_input = 0;
    Epilogue.output = output;
  }

  /** Finishes `count` numbers of C from number `first` on. */
  static finish(c: usize, first: i32, count: i32): void {
    const at = (<usize>first) << 2;
    if (Epilogue.output !== 0) {
      multiply_by_derivative_f32(Epilogue.activation, c + at, Epilogue.output + at, c + at, count);
      return;
    }
    if (Epilogue.net_input !== 0) memory.copy(Epilogue.net_input + at, c + at, (<usize>count) << 2);
    if (Epilogue.activation !== ActivationCode.linear) activate_f32(Epilogue.activation, c + at, count);
  }
}
