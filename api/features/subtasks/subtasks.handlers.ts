import type { JsonObject } from '../../../domain/json.ts';
import { plainLine, shortened } from '../../../domain/research/source.ts';
import type { Subtask } from '../../../domain/subtasks/subtask.ts';
import { listSources } from '../../../store/research/sources.repository.ts';
import type { RunRow } from '../../../store/runs/run.rows.ts';
import type { Reader } from '../../../store/store.ts';
import { answerOf, researchNoteOf, startSubtask } from '../../../store/subtasks/subtasks.repository.ts';
import type { Context } from '../../http/context.ts';
import { defineHandlers } from '../../http/operation.ts';
import { startAndWait } from '../../http/start-and-wait.ts';
import type { Live } from '../../live/live.ts';
import { creativeView, formatView, imagesView, qaView, researchView, subtaskView } from './subtasks.view.ts';

export interface SubtaskDeps {
  readonly live: Live;
}

const MAX_ABOUT_CHARS = 100;

interface Body {
  readonly budget_usd?: number;
}

/** What is asked of a subtask, apart from the text that it works on and from what it may cost. */
const requestIn = ({ budget_usd: _budget, content: _content, ...request }: Body & { content?: string }) =>
  request as unknown as JsonObject;

type Extra<View> = (answer: JsonObject | undefined, db: Reader, run: RunRow) => View | Promise<View>;

export const subtaskHandlers = ({ live }: SubtaskDeps) => {
  const run = <View extends object>(
    ctx: Context,
    subtask: Subtask,
    asked: { readonly about: string; readonly material?: string; readonly body: Body },
    extra: Extra<View>,
  ) =>
    startAndWait(ctx, live, {
      start: (tx) =>
        startSubtask(tx, {
          subtask,
          about: shortened(plainLine(asked.about), MAX_ABOUT_CHARS),
          request: requestIn(asked.body),
          ...(asked.material === undefined ? {} : { material: asked.material }),
          budget: asked.body.budget_usd === undefined ? null : Math.round(asked.body.budget_usd * 1_000_000),
          traceId: ctx.traceId,
        }),
      view: async (db, row) => ({
        ...subtaskView(row),
        ...(await extra(row.status === 'completed' ? await answerOf(db, row.id) : undefined, db, row)),
      }),
    });

  return defineHandlers({
    runResearchSubtask: ({ body }, ctx) =>
      run(ctx, 'research', { about: body.topic, body }, async (answer, db, { id }) => {
        const [sources, note] = await Promise.all([listSources(db, id), researchNoteOf(db, id)]);
        return researchView(answer, { sources, note });
      }),
    runCreativeSubtask: ({ body }, ctx) => run(ctx, 'creative', { about: body.topic, body }, creativeView),
    runQaSubtask: ({ body }, ctx) =>
      run(ctx, 'qa', { about: body.content.slice(0, 500), material: body.content, body }, qaView),
    runImagesSubtask: ({ body }, ctx) => run(ctx, 'images', { about: body.prompt, body }, imagesView),
    runFormatSubtask: ({ body }, ctx) =>
      run(ctx, 'format', { about: body.content.slice(0, 500), material: body.content, body }, formatView),
  });
};
