import { excerptOf } from '../../domain/content/revision.ts';
import { PROGRESS, readParameters, readStart } from '../../domain/content/pipeline.ts';
import { analyse, headingsOf } from '../../domain/content/analysis.ts';
import type { JsonObject } from '../../domain/json.ts';
import { runStream } from '../../domain/runs/run.ts';
import {
  closeApproval,
  openApproval,
  APPROVAL_COLUMNS,
  type ApprovalRow,
} from '../../store/approvals/approvals.ts';
import {
  addRevision,
  createContent,
  lockContent,
  requireContent,
  revisionOfStep,
  setContentStatus,
  type Origin,
} from '../../store/content/content.repository.ts';
import { draftOf, shownOf } from '../../store/content/content.rows.ts';
import { publishRevision } from '../../store/content/publish.ts';
import type { RunRow } from '../../store/runs/run.rows.ts';
import { closeStep, openStep, type StepRef } from '../../store/runs/steps.ts';
import { reportOutcome } from '../../store/runs/transition.ts';
import { sql, type Writer } from '../../store/store.ts';
import type {
  GateInput,
  OutlineAnswer,
  PlanAnswer,
  PublishAnswer,
  PublishInput,
  RevisionAnswer,
  RoundInput,
  VerdictAnswer,
} from '../../workflows/content/messages.ts';
import type { Held, RunInput } from '../../workflows/runs/messages.ts';
import { stepForRun, type ActivityDeps } from '../runtime.ts';
import { outlinePath, readRound, type Round } from './round.ts';

const gatePath = (gate: number): string => `approval/${gate}`;

const composeStep = (round: Round): string => `compose.${round.key}`;

/** The article out of its finished sections, with what they cost together. */
const assemble = async (tx: Writer, run: RunRow, round: Round): Promise<{ body: string; origin: Origin }> => {
  const sections = await tx.many<{
    result: { heading: string; text: string };
    tokens_in: number;
    tokens_out: number;
    cost_micros: number;
  }>(
    sql`select result, tokens_in, tokens_out, cost_micros from run_steps
         where run_id = ${run.id} and attempt = ${run.attempt} and status = 'completed'
           and starts_with(path, ${`draft.${round.key}/`})
         order by (regexp_match(path, '[0-9]+$'))[1]::int`,
  );
  const sum = (pick: (section: (typeof sections)[number]) => number): number =>
    sections.reduce((total, s) => total + pick(s), 0);
  return {
    body: sections.map(({ result }) => `## ${result.heading}\n\n${result.text}`).join('\n\n'),
    origin: {
      author: { kind: 'model', userId: null, model: round.modelId },
      runId: run.id,
      stepPath: composeStep(round),
      costMicros: sum((s) => s.cost_micros),
      tokensIn: sum((s) => s.tokens_in),
      tokensOut: sum((s) => s.tokens_out),
    },
  };
};

/** Who writes next after a request for changes: the decision's own edits, else the author of what was refused. */
const nextAuthor = async (tx: Writer, approval: ApprovalRow): Promise<VerdictAnswer['next_author']> => {
  const content = await requireContent(tx, approval.subject_id);
  if (content.revision > approval.revision) return 'nobody';
  return content.author_kind === 'model' ? 'model' : 'person';
};

/** A verdict by the clock, with the same guard as a verdict by a person. */
const expireIfDue = async (tx: Writer, approval: ApprovalRow): Promise<ApprovalRow> => {
  const due = await tx.maybe(
    sql`select 1 from approvals where id = ${approval.id} and status = 'open' and expires_at <= clock_timestamp()`,
  );
  if (!due) return approval;
  const status = approval.on_expiry === 'approve' ? 'approved' : 'expired';
  return closeApproval(tx, approval, { status, by: null, comment: 'The approval expired.' });
};

/** The pipeline's steps on the database alone. Each may be repeated: it finds what it did before. */
export const createContentActivities = (deps: ActivityDeps) => ({
  planPipeline: (input: RunInput): Promise<PlanAnswer | Held> =>
    stepForRun(deps, input, async (_tx, run) => {
      const parameters = readParameters((run.input['parameters'] ?? {}) as JsonObject);
      return {
        start: readStart(run.input),
        publish_at: parameters.publishAt?.toISOString() ?? null,
      };
    }),

  /** Takes the sections of the text that is to be revised. */
  outlineAsWritten: (input: RoundInput): Promise<OutlineAnswer | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      const round = await readRound(tx, run, input.round);
      const content = await requireContent(tx, round.contentId ?? '');
      const headings = headingsOf(content.body, content.title);
      const step: StepRef = {
        runId: run.id,
        attempt: input.attempt,
        path: outlinePath(round),
        digest: String(content.revision),
        title: 'Outline as written',
      };
      const opened = await openStep(tx, step);
      if (opened.state === 'open')
        await closeStep(tx, step, { result: { headings, from_model: 0 }, progress: PROGRESS.outline });
      return { sections: headings.length };
    }),

  /** Makes the round's sections into the next revision of the task's content. */
  compose: (input: RoundInput): Promise<RevisionAnswer | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      const round = await readRound(tx, run, input.round);
      const made = await revisionOfStep(tx, run.id, composeStep(round));
      if (made) return { content_id: made.item_id, revision: made.number };
      const step: StepRef = {
        runId: run.id,
        attempt: input.attempt,
        path: composeStep(round),
        digest: round.key,
        title: 'Compose',
      };
      await openStep(tx, step);
      const { body, origin } = await assemble(tx, run, round);
      const draft = {
        title: round.title,
        body,
        excerpt: excerptOf(body),
        featuredImageUrl: null,
        seoTitle: round.title,
        seoDescription: excerptOf(body, 155),
      };
      let contentId = round.contentId;
      let revision = 1;
      if (contentId) revision = await addRevision(tx, await lockContent(tx, contentId), draft, origin);
      else
        contentId = await createContent(tx, {
          draft,
          origin,
          taskId: round.taskId,
          createdBy: run.owner_id,
          category: round.brief.category ?? null,
          tags: round.tags,
        });
      tx.emit(runStream(run.id), 'content.revised', { content_id: contentId, revision, author: 'model' });
      await closeStep(tx, step, { result: { content_id: contentId, revision }, progress: PROGRESS.composed });
      return { content_id: contentId, revision };
    }),

  /** Measures the newest revision of the run's content. */
  measure: (input: RunInput): Promise<Record<string, string | number | null> | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      const content = await requireContent(tx, String(run.input['content_id']));
      const keyword = run.input['keyword'];
      return {
        content_id: content.id,
        revision: content.revision,
        ...analyse(content.body, typeof keyword === 'string' ? keyword : null),
      };
    }),

  /** The newest revision of the run's content, whoever wrote it. */
  newestRevision: (input: RunInput & { content_id: string | null }): Promise<RevisionAnswer | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      const content = await requireContent(tx, input.content_id ?? String(run.input['content_id']));
      return { content_id: content.id, revision: content.revision };
    }),

  /** Opens the gate for the newest revision; the run waits from here on. */
  requestApproval: (input: GateInput): Promise<{ approval_id: string } | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      const content = await lockContent(tx, input.content_id);
      const parameters = readParameters((run.input['parameters'] ?? {}) as JsonObject);
      const seconds = parameters.approvalExpiresInSeconds;
      const approval = await openApproval(tx, run, {
        kind: 'content',
        stepPath: gatePath(input.gate),
        subjectType: 'content',
        subjectId: content.id,
        revision: content.revision,
        shown: shownOf(draftOf(content)),
        policy: parameters.policy,
        expiresAt: seconds === null ? null : new Date(Date.now() + seconds * 1_000),
        onExpiry: parameters.onExpiry,
      });
      if (approval.status === 'open') await setContentStatus(tx, content.id, 'in_review');
      await reportOutcome(tx, run, gatePath(input.gate), {
        transition: 'wait',
        attempt: input.attempt,
        step: gatePath(input.gate),
        detail: { approval_id: approval.id },
      });
      return { approval_id: approval.id };
    }),

  /** Reads the gate's verdict; gives it by the clock when it has expired. The run goes on when there is one. */
  takeVerdict: (input: GateInput): Promise<VerdictAnswer | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      const found = await tx.one<ApprovalRow>(
        sql`select ${APPROVAL_COLUMNS} from approvals a
             where a.run_id = ${run.id} and a.attempt = ${input.attempt} and a.step_path = ${gatePath(input.gate)} for update`,
      );
      const approval = await expireIfDue(tx, found);
      const expiresAt = approval.expires_at?.getTime() ?? null;
      if (approval.status === 'open')
        return { status: 'open', revision: approval.revision, expires_at: expiresAt, next_author: 'nobody' };
      const changes = approval.status === 'changes_requested';
      const next = changes ? await nextAuthor(tx, approval) : 'nobody';
      if (approval.status === 'approved') await setContentStatus(tx, approval.subject_id, 'approved');
      if (changes) await setContentStatus(tx, approval.subject_id, 'draft');
      await reportOutcome(tx, run, gatePath(input.gate), {
        transition: 'proceed',
        attempt: input.attempt,
        step: next === 'person' ? 'revision' : gatePath(input.gate),
      });
      if (approval.status === 'approved')
        await tx.run(
          sql`update runs set progress = greatest(progress, ${PROGRESS.approved}) where id = ${run.id}`,
        );
      return {
        status: approval.status,
        revision: approval.revision,
        expires_at: expiresAt,
        next_author: next,
      };
    }),

  /** The approved revision waits for its time. */
  schedule: (input: PublishInput): Promise<{ scheduled: true } | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      await setContentStatus(tx, input.content_id, 'scheduled');
      await reportOutcome(tx, run, 'scheduled', {
        transition: 'wait',
        attempt: input.attempt,
        step: 'scheduled',
      });
      return { scheduled: true };
    }),

  /** Puts the approved revision on the site, once, however often this is repeated. */
  publish: (input: PublishInput): Promise<PublishAnswer | Held> =>
    stepForRun(deps, input, async (tx, run) => {
      await reportOutcome(tx, run, 'scheduled', {
        transition: 'proceed',
        attempt: input.attempt,
        step: 'publish',
      });
      const step: StepRef = {
        runId: run.id,
        attempt: input.attempt,
        path: 'publish',
        digest: `${input.content_id}/${input.revision}`,
        title: 'Publish',
      };
      await openStep(tx, step);
      const post = await publishRevision(tx, input.content_id, input.revision);
      const answer = {
        post_id: post.id,
        slug: post.slug,
        post_url: `${deps.publicUrl}/posts/${encodeURIComponent(post.slug)}`,
      };
      tx.emit(runStream(run.id), 'post.published', {
        content_id: input.content_id,
        revision: input.revision,
        ...answer,
      });
      await closeStep(tx, step, { result: answer, progress: PROGRESS.published });
      return answer;
    }),
});

export type ContentActivities = ReturnType<typeof createContentActivities>;
