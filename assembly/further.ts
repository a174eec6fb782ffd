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
import { Word } from './word';

/** Executes an operation that no basic plan has (`isBasic` in the plan), or this thread's share of it. */
export function execute_further(o: usize): void {
  switch (Word.int(o, 0)) {
    case Opcode.batch_norm_forward:
      batch_norm_forward(
        Word.address(o, 1),
        Word.address(o, 2),
        Word.address(o, 3),
        Word.address(o, 4),
        Word.address(o, 5),
        Word.address(o, 6),
        Word.address(o, 7),
        Word.address(o, 8),
        Word.int(o, 9),
        Word.address(o, 10),
        Word.address(o, 11),
      );
      break;
    case Opcode.batch_norm_backward:
      batch_norm_backward(
        Word.address(o, 1),
        Word.address(o, 2),
        Word.address(o, 3),
        Word.address(o, 4),
        Word.address(o, 5),
        Word.address(o, 6),
        Word.address(o, 7),
        Word.address(o, 8),
        Word.int(o, 9),
        Word.int(o, 10) !== 0,
        Word.int(o, 11) !== 0,
      );
      break;
    case Opcode.layer_norm_forward:
      layer_norm_forward(
        Word.address(o, 1),
        Word.address(o, 2),
        Word.address(o, 3),
        Word.address(o, 4),
        Word.address(o, 5),
        Word.address(o, 6),
        Word.int(o, 7),
        Word.address(o, 8),
      );
      break;
    case Opcode.layer_norm_backward_weights:
      layer_norm_backward_weights(
        Word.address(o, 1),
        Word.address(o, 2),
        Word.address(o, 3),
        Word.address(o, 4),
        Word.address(o, 5),
        Word.address(o, 6),
        Word.int(o, 7),
        Word.int(o, 8) !== 0,
      );
      break;
    case Opcode.layer_norm_backward_input:
      layer_norm_backward_input(
        Word.address(o, 1),
        Word.address(o, 2),
        Word.address(o, 3),
        Word.address(o, 4),
        Word.address(o, 5),
        Word.address(o, 6),
        Word.int(o, 7),
      );
      break;
    case Opcode.advance_optimizer:
      advance_optimizer(Word.address(o, 1), Word.address(o, 2), Word.int(o, 3));
      break;
    case Opcode.optimizer_step:
      optimizer_step(
        Word.address(o, 1),
        Word.address(o, 2),
        Word.address(o, 3),
        Word.address(o, 4),
        Word.address(o, 5),
        Word.int(o, 6),
        Word.address(o, 7),
        Word.int(o, 8),
      );
      break;
    case Opcode.gradient_squares:
      gradient_squares(Word.address(o, 1), Word.int(o, 2), Word.int(o, 3), Word.address(o, 4));
      break;
    case Opcode.gradient_norm:
      gradient_norm(Word.address(o, 1), Word.int(o, 2), Word.address(o, 3));
      break;
    case Opcode.penalty:
      penalty(
        Word.address(o, 1),
        Word.address(o, 2),
        Word.int(o, 3),
        Word.address(o, 4),
        Word.address(o, 5),
        Word.int(o, 6),
      );
      break;
    case Opcode.max_norm:
      max_norm(Word.address(o, 1), Word.int(o, 2), Word.int(o, 3), Word.address(o, 4));
      break;
    case Opcode.average_step:
      average_step(Word.address(o, 1), Word.address(o, 2), Word.int(o, 3), Word.address(o, 4));
      break;
    case Opcode.map_unary:
      map_unary(Word.address(o, 1), Word.int(o, 2), Word.address(o, 3), Word.int(o, 4), Word.int(o, 5));
      break;
    case Opcode.map_where:
      map_where(
        Word.address(o, 1),
        Word.int(o, 2),
        Word.address(o, 3),
        Word.int(o, 4),
        Word.address(o, 5),
        Word.int(o, 6),
        Word.address(o, 7),
        Word.int(o, 8),
      );
      break;
    case Opcode.map_row:
      map_row(Word.address(o, 1), Word.int(o, 2), Word.address(o, 3), Word.int(o, 4), Word.int(o, 5));
      break;
    case Opcode.reduction_scale:
      reduction_scale(Word.address(o, 1), Word.int(o, 2));
      break;
    case Opcode.next_masks:
      next_masks(Word.address(o, 1));
      break;
    case Opcode.dropout:
      dropout(
        Word.address(o, 1),
        Word.address(o, 2),
        Word.int(o, 3),
        Word.int(o, 4),
        Word.int(o, 5),
        Word.address(o, 6),
      );
      break;
    case Opcode.gaussian_noise:
      gaussian_noise(
        Word.address(o, 1),
        Word.address(o, 2),
        Word.int(o, 3),
        Word.address(o, 4),
        Word.int(o, 5),
        Word.address(o, 6),
      );
      break;
  }
}
