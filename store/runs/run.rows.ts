import type { Json, JsonObject } from '../../domain/json.ts';
import type { RunStatus } from '../../domain/runs/run.ts';
import { sql } from '../sql.ts';

/** A run as it is read for views: every column but those that only the store needs. */
export interface RunRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly kind: string;
  readonly subject_type: string;
  readonly subject_id: string;
  readonly owner_id: string | null;
  readonly parent_id: string | null;
  readonly attempt: number;
  readonly status: RunStatus;
  readonly paused_from: RunStatus | null;
  readonly progress: number;
  readonly current_step: string | null;
  /** Without the texts that the run works on: they may be long, and few readers need them. */
  readonly input: JsonObject;
  readonly output: JsonObject | null;
  readonly error: { code: string; message: string } | null;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly cost_micros: number;
  readonly cost_complete: boolean;
  readonly in_doubt: number;
  readonly version: number;
  readonly trace_id: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
}

/** The few words that a run is called by. */
export const summaryOf = (run: { readonly kind: string; readonly input: JsonObject }): string => {
  const summary = run.input['summary'];
  return typeof summary === 'string' ? summary : run.kind;
};

export const RUN_COLUMNS = sql`r.id, r.workspace_id, r.kind, r.subject_type, r.subject_id, r.owner_id, r.parent_id,
  r.attempt, r.status, r.paused_from, r.progress, r.current_step, r.input - 'material' as input, r.output, r.error, r.tokens_in, r.tokens_out,
  r.cost_micros, r.cost_complete, r.in_doubt, r.version, r.trace_id, r.created_at, r.updated_at, r.started_at, r.finished_at`;

export interface StepRow {
  readonly path: string;
  readonly digest: string;
  readonly attempt: number;
  readonly status: 'started' | 'completed' | 'failed';
  readonly result: Json;
  readonly error: { code: string; message: string } | null;
  readonly calls: number;
  readonly in_doubt: number;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly cost_micros: number;
  readonly started_at: Date;
  readonly finished_at: Date | null;
}
