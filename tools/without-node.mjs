// Which of the addon's sources know nothing of Node, so that programs of test/native are linked with them.
import { relative } from 'node:path';
import { root } from './lib.mjs';

const sources =
  /^native\/(targets\/.*|cpu_features|dispatch|executor|huge_pages|partition|plan_check|row_copy|run_control|team|thread_choice|weight_panels)\.cc$/;

export const isWithoutNode = (/** @type {{ file: string }} */ { file }) =>
  sources.test(relative(root, file).replaceAll('\\', '/'));
