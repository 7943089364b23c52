import type { JsonObject } from '../json.ts';

/** One of the pipeline's own steps, run alone. */
export const SUBTASKS = ['research', 'creative', 'qa', 'images', 'format'] as const;
export type Subtask = (typeof SUBTASKS)[number];

/** The step under which every subtask stores what it answers. */
export const ANSWER_PATH = 'answer';

/** Which of them a run does. @throws Error for a run of another kind. */
export const subtaskOf = (input: JsonObject): Subtask => {
  const found = SUBTASKS.find((subtask) => subtask === input['subtask']);
  if (!found) throw new Error(`${JSON.stringify(input['subtask'])} is no subtask`);
  return found;
};

/** What was asked of it, as the spec has checked it, without the text that it works on. */
export const requestOf = (input: JsonObject): JsonObject => (input['request'] ?? {}) as JsonObject;
