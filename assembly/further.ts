import { Opcode } from '../src/opcodes';
import { average_step, gradient_norm, gradient_squares, max_norm, penalty } from './gradients';
import { map_row, map_unary, map_where, reduction_scale } from './maps';
import { dropout, gaussian_noise, next_masks } from './masks';
import {
  batch_norm_backward,
  batch_norm_forward,
  layer_norm_backward_input,
  layer_norm_backward_weights,
  layer_norm_forward,
} from './norms';
import { advance_optimizer, optimizer_step } from './optimizer-rules';

/** Executes an operation that no basic plan has (`isBasic` in the plan), or this thread's share of it, with its operands as `execute` has them. */
export function execute_further(
  opcode: i32,
  o1: i32,
  o2: i32,
  o3: i32,
  o4: i32,
  o5: i32,
  o6: i32,
  o7: i32,
  o8: i32,
  o9: i32,
  o10: i32,
  o11: i32,
): void {
  switch (opcode) {
    case Opcode.batch_norm_forward:
      batch_norm_forward(o1, o2, o3, o4, o5, o6, o7, o8, o9, o10, o11);
      break;
    case Opcode.batch_norm_backward:
      batch_norm_backward(o1, o2, o3, o4, o5, o6, o7, o8, o9, o10 !== 0, o11 !== 0);
      break;
    case Opcode.layer_norm_forward:
      layer_norm_forward(o1, o2, o3, o4, o5, o6, o7, o8);
      break;
    case Opcode.layer_norm_backward_weights:
      layer_norm_backward_weights(o1, o2, o3, o4, o5, o6, o7, o8 !== 0);
      break;
    case Opcode.layer_norm_backward_input:
      layer_norm_backward_input(o1, o2, o3, o4, o5, o6, o7);
      break;
    case Opcode.advance_optimizer:
      advance_optimizer(o1, o2, o3);
      break;
    case Opcode.optimizer_step:
      optimizer_step(o1, o2, o3, o4, o5, o6, o7, o8);
      break;
    case Opcode.gradient_squares:
      gradient_squares(o1, o2, o3, o4);
      break;
    case Opcode.gradient_norm:
      gradient_norm(o1, o2, o3);
      break;
    case Opcode.penalty:
      penalty(o1, o2, o3, o4, o5, o6);
      break;
    case Opcode.max_norm:
      max_norm(o1, o2, o3, o4);
      break;
    case Opcode.average_step:
      average_step(o1, o2, o3, o4);
      break;
    case Opcode.map_unary:
      map_unary(o1, o2, o3, o4, o5);
      break;
    case Opcode.map_where:
      map_where(o1, o2, o3, o4, o5, o6, o7, o8);
      break;
    case Opcode.map_row:
      map_row(o1, o2, o3, o4, o5);
      break;
    case Opcode.reduction_scale:
      reduction_scale(o1, o2);
      break;
    case Opcode.next_masks:
      next_masks(o1);
      break;
    case Opcode.dropout:
      dropout(o1, o2, o3, o4, o5, o6);
      break;
    case Opcode.gaussian_noise:
      gaussian_noise(o1, o2, o3, o4, o5, o6);
      break;
  }
}
