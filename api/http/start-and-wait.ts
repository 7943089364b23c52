import { textAt, type JsonObject } from '../../domain/json.ts';
import { isLive, runStream } from '../../domain/runs/run.ts';
import { Replay } from '../../store/idempotency.ts';
import type { RunRow } from '../../store/runs/run.rows.ts';
import { requireRun } from '../../store/runs/runs.repository.ts';
import type { Reader, Writer } from '../../store/store.ts';
import type { Live } from '../live/live.ts';
import type { Context } from './context.ts';
import { Reply } from './operation.ts';
import { RunFailure } from './run-failure.ts';

const MAX_WAIT_SECONDS = 30;
const ENDS: readonly string[] = ['run.completed', 'run.failed', 'run.cancelled'];

/** Seconds that a client wants to wait (RFC 7240); what says nothing usable is ignored, as a preference is. */
export const preferredWait = (prefer: string | undefined): number => {
  const preferences = (prefer ?? '').split(',').map((preference) => preference.trim().toLowerCase());
  for (const preference of preferences) {
    const seconds = /^wait\s*=\s*"?(\d{1,9})"?$/.exec(preference)?.[1];
    if (seconds !== undefined) return Math.min(Number(seconds), MAX_WAIT_SECONDS);
  }
  return preferences.includes('respond-async') ? 0 : MAX_WAIT_SECONDS;
};

export interface RunToWaitFor<Body> {
  /** Starts the run, in the request's own transaction. */
  readonly start: (tx: Writer) => Promise<RunRow>;
  /** What the operation answers for a run that has completed, or has not ended. */
  readonly view: (db: Reader, run: RunRow) => Promise<Body>;
}

/** Resolves when this attempt of a run has ended, the time is over, or the client has left. */
const untilItEnds = (ctx: Context, live: Live, run: RunRow, seconds: number): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stop();
      ctx.closed.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1_000);
    const stop = live.subscribe(
      ctx.principal,
      { stream: runStream(run.id), after: 0 },
      {
        event: ({ type, payload }) => {
          const hasEnded = ENDS.includes(type) && payload['attempt'] === run.attempt;
          if (hasEnded) done();
          return !hasEnded;
        },
        // Its oldest events are gone: then there is nothing to wait for that the row does not say.
        failed: done,
      },
    );
    ctx.closed.addEventListener('abort', done, { once: true });
    if (ctx.closed.aborted) done();
  });

/** Starts the run, or finds the one that the same request has started before. */
const begin = async <Body extends { readonly run_id: string }>(
  ctx: Context,
  { start, view }: RunToWaitFor<Body>,
): Promise<{ runId: string; replayed: boolean }> => {
  try {
    const stored = await ctx.write(async (tx) => view(tx, await start(tx)));
    return { runId: stored.run_id, replayed: false };
  } catch (error) {
    if (!(error instanceof Replay)) throw error;
    return { runId: textAt(error.body as JsonObject, 'run_id'), replayed: true };
  }
};

/**
 * The handler of an operation that its document prints as synchronous and that starts a run: commits the start, follows the
 * run's stream until it ends, for as long as the client prefers, and answers its present state. A repeated request with the
 * same `Idempotency-Key` waits for the same run.
 * @throws RunFailure when the run has failed or was cancelled.
 */
export const startAndWait = async <Body extends { readonly run_id: string }>(
  ctx: Context,
  live: Live,
  operation: RunToWaitFor<Body>,
): Promise<Reply<Body | undefined>> => {
  const { runId, replayed } = await begin(ctx, operation);
  const seconds = preferredWait(ctx.header('prefer'));
  const begun = await ctx.read((db) => requireRun(db, runId));
  if (isLive(begun.status) && seconds > 0) await untilItEnds(ctx, live, begun, seconds);
  // Nobody reads the answer.
  if (ctx.closed.aborted) return new Reply({ body: undefined });
  const body = await ctx.read(async (db) => {
    const run = await requireRun(db, runId);
    if (run.status === 'failed' || run.status === 'cancelled') throw new RunFailure(run);
    return operation.view(db, run);
  });
  return new Reply({
    body,
    headers: {
      ...(ctx.header('prefer') === undefined ? {} : { 'Preference-Applied': `wait=${seconds}` }),
      ...(replayed ? { 'Idempotency-Replayed': 'true' } : {}),
    },
  });
};
