import type { JsonObject } from '../../domain/json.ts';
import { ANSWER_PATH, type Subtask } from '../../domain/subtasks/subtask.ts';
import { limitRun } from '../budgets/budgets.repository.ts';
import type { RunRow } from '../runs/run.rows.ts';
import { startRun } from '../runs/start.ts';
import { sql, type Reader, type Writer } from '../store.ts';

export interface NewSubtask {
  readonly subtask: Subtask;
  /** What it is about, in a few words for people. */
  readonly about: string;
  readonly request: JsonObject;
  /** The text that it works on, which no view of the run repeats. */
  readonly material?: string;
  /** Micro-dollars; null: only the workspace's own limit applies. */
  readonly budget: number | null;
  readonly traceId: string;
}

/** Starts a subtask: a run that is about itself. */
export const startSubtask = async (tx: Writer, asked: NewSubtask): Promise<RunRow> => {
  const { subtask, request, material, budget, traceId } = asked;
  const run = await startRun(tx, {
    kind: 'subtask',
    subjectType: 'subtask',
    subjectId: null,
    summary: `${subtask}: ${asked.about}`,
    input: { subtask, request, ...(material === undefined ? {} : { material }) },
    traceId,
  });
  if (budget !== null) limitRun(tx, run.id, budget);
  return run;
};

/** The text that a subtask works on; '' when it has none. */
export const materialOf = async (db: Reader, runId: string): Promise<string> => {
  const row = await db.one<{ material: string | null }>(
    sql`select input->>'material' as material from runs where id = ${runId}`,
  );
  return row.material ?? '';
};

/** What a subtask has stored as its answer; `undefined` before. */
export const answerOf = async (db: Reader, runId: string): Promise<JsonObject | undefined> => {
  const row = await db.maybe<{ result: JsonObject }>(
    sql`select result from run_steps where run_id = ${runId} and path = ${ANSWER_PATH} and status = 'completed'
         order by finished_at desc limit 1`,
  );
  return row?.result;
};

/** What research had to say beside its sources; null when nothing, or not yet. */
export const researchNoteOf = async (db: Reader, runId: string): Promise<string | null> => {
  const row = await db.maybe<{ note: string | null }>(
    sql`select result->>'note' as note from run_steps where run_id = ${runId} and path = 'research' and status = 'completed'
         order by finished_at desc limit 1`,
  );
  return row?.note ?? null;
};
