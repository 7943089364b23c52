import { v7 as uuidv7 } from 'uuid';
import { conflict } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { StartPayload } from '../../domain/outbox.ts';
import { RUN_KINDS, type RunKind } from '../../domain/runs/kinds.ts';
import { runStream, workflowIdOf } from '../../domain/runs/run.ts';
import { sql } from '../sql.ts';
import type { Writer } from '../store.ts';
import { RUN_COLUMNS, summaryOf, type RunRow } from './run.rows.ts';
import { followSubject } from './subject.ts';

export interface NewRun {
  readonly kind: RunKind;
  readonly subjectType: 'task' | 'content' | 'subtask';
  /** `null`: the run itself. */
  readonly subjectId: string | null;
  /** A few words for people: the title in lists and in Temporal's Web UI. */
  readonly summary: string;
  readonly input: JsonObject;
  readonly traceId?: string | undefined;
}

/** What starts the workflow of one attempt of a run. */
export const startMessage = (run: {
  id: string;
  kind: string;
  attempt: number;
  workspace_id: string;
  input: JsonObject;
}): StartPayload => {
  const { workflow, queue } = RUN_KINDS[run.kind as RunKind];
  return {
    workflow,
    queue,
    input: { run_id: run.id, attempt: run.attempt, workspace_id: run.workspace_id },
    summary: summaryOf(run).slice(0, 200),
    kind: run.kind,
    entity_id: run.id,
    workspace_id: run.workspace_id,
  };
};

export const enqueueStart = (tx: Writer, run: RunRow): void =>
  tx.enqueue({ workflowId: workflowIdOf(run), kind: 'start', payload: startMessage(run) });

/**
 * Creates a run in `queued` and asks Temporal to begin it, in the caller's transaction.
 * @throws DomainError conflict `run_live` while another run of the same subject has not ended.
 */
export const startRun = async (tx: Writer, input: NewRun): Promise<RunRow> => {
  const id = uuidv7();
  const run = await tx.maybe<RunRow>(
    sql`insert into runs as r (id, workspace_id, kind, subject_type, subject_id, owner_id, status, input, trace_id)
        values (${id}, ${tx.principal.workspaceId}, ${input.kind}, ${input.subjectType}, ${input.subjectId ?? id},
                ${tx.principal.userId}, 'queued', ${JSON.stringify({ ...input.input, summary: input.summary })}, ${input.traceId ?? null})
        on conflict (subject_type, subject_id) where status in ('queued','running','waiting','paused') do nothing
        returning ${RUN_COLUMNS}`,
  );
  if (!run)
    throw conflict(
      'run_live',
      `A run of this ${input.subjectType} has not ended yet: wait for it, or cancel it first.`,
    );
  tx.count(`run/${run.kind}`, 'queued', 1);
  tx.emit(runStream(run.id), 'run.queued', { run_id: run.id, kind: run.kind, status: 'queued', attempt: 1 });
  tx.audit('run.start', 'run', run.id, {
    kind: run.kind,
    subject_type: run.subject_type,
    subject_id: run.subject_id,
  });
  enqueueStart(tx, run);
  await followSubject(tx, run);
  return run;
};
