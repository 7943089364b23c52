import { invalid } from '../errors.ts';
import { RUN_KINDS } from './kinds.ts';
import type { RunStatus } from './run.ts';

/** What the workflows of runs are called: the content pipeline by what it was asked for, every other kind by itself. */
export const WORKFLOW_NAMES: readonly string[] = [
  'content_creation',
  'optimization',
  ...Object.keys(RUN_KINDS).filter((kind) => kind !== 'content'),
];

export type ExecutionWord = 'success' | 'failure' | 'in_progress';

/** The word of the `/api/workflow` doors for how a run stands; a cancelled one did not succeed. */
export const executionWord = (status: RunStatus): ExecutionWord => {
  switch (status) {
    case 'completed':
      return 'success';
    case 'failed':
    case 'cancelled':
      return 'failure';
    default:
      return 'in_progress';
  }
};

/** The statuses of ended runs that a word stands for. */
export const endedStatuses = (word?: 'success' | 'failure'): readonly RunStatus[] =>
  (['completed', 'failed', 'cancelled'] as const).filter(
    (status) => word === undefined || executionWord(status) === word,
  );

const DAY_MS = 86_400_000;

/** From `since` on, up to but not including `until`. */
export interface Period {
  readonly since: Date;
  readonly until: Date;
}

/**
 * The period that was asked for; what lies beyond `now` is left out.
 * @param rule how many days it has when nobody says, and how many it may have.
 * @throws DomainError validation when it is empty or too long.
 */
export const periodOf = (
  asked: { readonly since?: Date | undefined; readonly until?: Date | undefined },
  now: Date,
  rule: { readonly days: number; readonly maxDays: number },
): Period => {
  const until = asked.until && asked.until < now ? asked.until : now;
  const since = asked.since ?? new Date(until.getTime() - rule.days * DAY_MS);
  if (since >= until) throw invalid('query.since', 'must lie before until, and before now');
  if (until.getTime() - since.getTime() > rule.maxDays * DAY_MS)
    throw invalid('query.since', `must lie at most ${rule.maxDays} days before until`);
  return { since, until };
};

/** How many per minute, to six places: a rate of one a month can still be told from none. */
export const perMinute = (count: number, { since, until }: Period): number =>
  Math.round((count / (until.getTime() - since.getTime())) * 60_000 * 1_000_000) / 1_000_000;
