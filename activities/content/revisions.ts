import { analyse, headingsOf } from '../../domain/content/analysis.ts';
import { PROGRESS } from '../../domain/content/pipeline.ts';
import { seoByRule } from '../../domain/content/seo.ts';
import { dropOwnSourceList, dropUnknownMarks, sourceList } from '../../domain/research/citations.ts';
import type { Source } from '../../domain/research/source.ts';
import { listSources } from '../../store/research/sources.repository.ts';
import type { Draft } from '../../domain/content/revision.ts';
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
import { sql, type Reader, type Writer } from '../../store/store.ts';
import type { OutlineAnswer, RevisionAnswer, RoundInput } from '../../workflows/content/messages.ts';
import type { Held } from '../../domain/runs/held.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';
import { stepForRun, type ActivityDeps } from '../runtime.ts';
import { inRound, pathsOf, readRound, type Round, type SectionResult } from './round.ts';

interface FinishedSection {
  readonly result: SectionResult;
  /** The pass that wrote it. */
  readonly pass: number;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly cost_micros: number;
}

/** Of each section the newest text up to this pass. */
const finishedSections = (tx: Reader, run: RunRow, round: Round): Promise<FinishedSection[]> => {
  const { first, later } = inRound('draft', round);
  return tx.many<FinishedSection>(
    sql`with written as (
          select result, tokens_in, tokens_out, cost_micros, (regexp_match(path, '[0-9]+$'))[1]::int as index,
                 coalesce((regexp_match(path, '[.]([0-9]+)/[0-9]+$'))[1]::int, 0) as pass, starts_with(path, ${first}) as is_first
            from run_steps
           where run_id = ${run.id} and attempt = ${run.attempt} and status = 'completed'
             and (starts_with(path, ${first}) or starts_with(path, ${later})))
        select distinct on (index) result, case when is_first then 0 else pass end as pass, tokens_in, tokens_out, cost_micros
          from written where is_first or pass <= ${round.pass}
         order by index, case when is_first then 0 else pass end desc`,
  );
};

/** The article's text: its sections, without citations that no source stands behind, and the sources that it cites. */
const bodyOf = (sections: readonly FinishedSection[], sources: readonly Source[]): string => {
  const written = sections.map(({ result }) => `## ${result.heading}\n\n${result.text}`).join('\n\n');
  const body = dropUnknownMarks(
    dropOwnSourceList(written),
    sources.map(({ n }) => n),
  );
  return [body, sourceList(body, sources)].filter(Boolean).join('\n\n').trim();
};

/** The article out of the round's finished sections, with its author and what this pass of it cost. */
const assemble = async (
  tx: Writer,
  run: RunRow,
  round: Round,
  stepPath: string,
): Promise<{ draft: Draft; origin: Origin }> => {
  const [sections, sources] = await Promise.all([finishedSections(tx, run, round), listSources(tx, run.id)]);
  const sum = (pick: (section: FinishedSection) => number): number =>
    sections.filter(({ pass }) => pass === round.pass).reduce((total, s) => total + pick(s), 0);
  const body = bodyOf(sections, sources);
  const { seoTitle, seoDescription, excerpt } = seoByRule(round.title, body);
  return {
    draft: { title: round.title, body, excerpt, featuredImageUrl: null, seoTitle, seoDescription },
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
    createdBy: round.ownerId,
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
      const path = pathsOf(round).outline;
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
      const path = pathsOf(round).compose;
      const made = await revisionOfStep(tx, run.id, path);
      if (made) return { content_id: made.item_id, revision: made.number };
      const step = stepOf(run, input, path, path, 'Compose');
      const [, written] = await Promise.all([openStep(tx, run, step), assemble(tx, run, round, path)]);
      const answer = await store(tx, run, round, written);
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
