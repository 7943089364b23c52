import type { RunRow } from '../../store/runs/run.rows.ts';

/**
 * The status for each way in which a run that somebody waits for fails: 422 is for what the caller can change, 502 for a
 * vendor that refused, 503 for what is not configured or away. Anything else is our own mistake.
 */
const STATUS_OF: Readonly<Record<string, number>> = {
  budget_refused: 422,
  model_without_price: 422,
  content_too_complex: 422,
  model_rejected: 502,
  model_unauthorized: 502,
  model_not_configured: 503,
  model_unavailable: 503,
  model_rate_limited: 503,
  model_stalled: 503,
};

/** A run that a request waited for has ended without a result. */
export class RunFailure extends Error {
  override readonly name = 'RunFailure';
  readonly status: number;
  readonly code: string;
  readonly runId: string;

  constructor(run: Pick<RunRow, 'id' | 'status' | 'error'>) {
    const isCancelled = run.status === 'cancelled';
    super(isCancelled ? 'The run was cancelled.' : (run.error?.message ?? 'The run failed.'));
    this.code = isCancelled ? 'run_cancelled' : (run.error?.code ?? 'failed');
    this.status = isCancelled ? 409 : (STATUS_OF[this.code] ?? 500);
    this.runId = run.id;
  }
}
