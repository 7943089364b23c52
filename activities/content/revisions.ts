import { analyse, headingsOf } from '../../domain/content/analysis.ts';
import { PROGRESS } from '../../domain/content/pipeline.ts';
import { excerptOf, type Draft } from '../../domain/content/revision.ts';
import { runStream } from '../../domain/runs/run.ts';
import {
  addRevision,
  createContent,
  lockContent,
  requireContent,
  revisionOfStep,
  type Origin,
} from '../../store/content/content.repository.ts';
import type { RunRow } from '../../store/runs/run.rows.ts';
import { closeStep, openStep, type StepRef } from '../../store/runs/steps.ts';
import { sql, type Writer } from '../../store/store.ts';
import type { OutlineAnswer, RevisionAnswer, RoundInput } from '../../workflows/content/messages.ts';
import type { Held } from '../../domain/runs/held.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';
import { stepForRun, type ActivityDeps } from '../runtime.ts';
import { outlinePath, readRound, sectionPrefix, type Round, type SectionResult } from './round.ts';

interface FinishedSection {
  readonly result: SectionResult;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly cost_micros: number;
}

/** The article out of the round's finished sections, with its author and what they cost together. */
const assemble = async (
  tx: Writer,
  run: RunRow,
  round: Round,
  stepPath: string,
): Promise<{ draft: Draft; origin: Origin }> => {
  const sections = await tx.many<FinishedSection>(
    sql`select result, tokens_in, tokens_out, cost_micros from run_steps
         where run_id = ${run.id} and attempt = ${run.attempt} and status = 'completed'
           and starts_with(path, ${sectionPrefix(round)})
         order by (regexp_match(path, '[0-9]+$'))[1]::int`,
  );
  const sum = (pick: (section: FinishedSection) => number): number =>
    sections.reduce((total, s) => total + pick(s), 0);
  const body = sections.map(({ result }) => `## ${result.heading}\n\n${result.text}`).join('\n\n');
  return {
    draft: {
      title: round.title,
      body,
      excerpt: excerptOf(body),
      featuredImageUrl: null,
      seoTitle: round.title,
      seoDescription: excerptOf(body, 155),
    },
    origin: {
      author: { kind: 'model', userId: null, model: sections[0]?.result.model ?? null },
      runId: run.id,
      stepPath,
      costMicros: sum((s) => s.cost_micros),
      tokensIn: sum((s) => s.tokens_in),
      tokensOut: sum((s) => s.tokens_out),
    },
  };
};

/** Stores a draft as the next revision of the round's content, or as the first of new content. */
const store = async (
  tx: Writer,
  run: RunRow,
  round: Round,
  written: { draft: Draft; origin: Origin },
): Promise<RevisionAnswer> => {
  if (round.contentId) {
    const revision = await addRevision(
      tx,
      await lockContent(tx, round.contentId),
      written.draft,
      written.origin,
    );
    return { content_id: round.contentId, revision };
  }
  const contentId = await createContent(tx, {
    ...written,
    taskId: round.taskId,
    createdBy: run.owner_id,
    category: round.brief.category ?? null,
    tags: round.tags,
  });
  return { content_id: contentId, revision: 1 };
};

const stepOf = (run: RunRow, input: RunInput, path: string, digest: string, title: string): StepRef => ({
  runId: run.id,
  attempt: input.attempt,
  path,
  digest,
  title,
});

/** What the pipeline does with revisions. Each may be repeated: it finds what it did before. */
export const createRevisionActivities = (deps: ActivityDeps) => ({
  /** Takes the sections of the text that is to be revised. */
  outlineAsWritten: (input: RoundInput): Promise<OutlineAnswer | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      const round = await readRound(tx, input);
      const content = await requireContent(tx, round.contentId ?? '');
      const headings = headingsOf(content.body, content.title);
      const path = outlinePath(round);
      const digest = String(content.revision);
      const step = stepOf(run, input, path, digest, 'Outline as written');
      const opened = await openStep(tx, run, step);
      if (opened.state === 'open')
        await closeStep(tx, step, {
          result: { headings, from_model: 0 },
          progress: { to: PROGRESS.outline },
        });
      return { sections: headings.length };
    }),

  /** Makes the round's sections into the next revision of the task's content. */
  compose: (input: RoundInput): Promise<RevisionAnswer | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      const round = await readRound(tx, input);
      const path = `compose.${round.key}`;
      const made = await revisionOfStep(tx, run.id, path);
      if (made) return { content_id: made.item_id, revision: made.number };
      const step = stepOf(run, input, path, round.key, 'Compose');
      await openStep(tx, run, step);
      const answer = await store(tx, run, round, await assemble(tx, run, round, path));
      tx.emit(runStream(run.id), 'content.revised', { ...answer, author: 'model' });
      await closeStep(tx, step, { result: { ...answer }, progress: { to: PROGRESS.composed } });
      return answer;
    }),

  /** The newest revision of a piece of content, whoever wrote it. */
  newestRevision: (input: RunInput & { content_id: string }): Promise<RevisionAnswer | Held> =>
    stepForRun(deps, input, async (tx) => {
      const content = await requireContent(tx, input.content_id);
      return { content_id: content.id, revision: content.revision };
    }),

  /** Measures the newest revision of a piece of content. */
  measure: (
    input: RunInput & { content_id: string; keyword: string | null },
  ): Promise<Record<string, string | number | null> | Held> =>
    stepForRun(deps, input, async (tx) => {
      const content = await requireContent(tx, input.content_id);
      return { content_id: content.id, revision: content.revision, ...analyse(content.body, input.keyword) };
    }),
});
