import type { JsonObject } from '../../domain/json.ts';
import { isHeld, type Held } from '../../domain/runs/held.ts';
import { ANSWER_PATH } from '../../domain/subtasks/subtask.ts';
import { materialOf } from '../../store/subtasks/subtasks.repository.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';
import { workStep } from '../models/work-step.ts';
import type { ActivityDeps } from '../runtime.ts';
import { formatBeside } from './format/beside.ts';
import type { FormatWish } from './format/format.ts';
import { readRequest } from './request.ts';

interface Formatted extends JsonObject {
  readonly formatted_content: string;
  readonly format: string;
}

/** The step of a format subtask. */
export const createFormatSubtask = (deps: ActivityDeps) => ({
  /** Brings the text into the form that was asked for. */
  formatText: async (input: RunInput): Promise<{ format: string; characters: number } | Held> => {
    const result = await workStep<FormatWish, Formatted, Formatted>(deps, input, {
      plan: async (tx) => {
        const [request, content] = await Promise.all([
          readRequest(tx, input.run_id),
          materialOf(tx, input.run_id),
        ]);
        const { format, style } = request as unknown as Pick<FormatWish, 'format' | 'style'>;
        return {
          path: ANSWER_PATH,
          title: 'Format',
          inputs: { format, style },
          context: { content, format, style },
        };
      },
      work: async (wish, signal) => ({
        formatted_content: await formatBeside(wish, signal),
        format: wish.format,
      }),
      store: async (_tx, formatted) => formatted,
      progress: { to: 95 },
    });
    if (isHeld(result)) return result;
    return { format: result.format, characters: result.formatted_content.length };
  },
});
