import { invalid } from '../errors.ts';

/** What can be asked for by its own name: the types of the event log. */
const LOGGED_EVENTS = [
  'run.queued',
  'run.started',
  'run.waiting',
  'run.proceeded',
  'run.paused',
  'run.resumed',
  'run.restarted',
  'run.completed',
  'run.failed',
  'run.cancelled',
  'step.started',
  'step.reused',
  'step.completed',
  'step.failed',
  'approval.requested',
  'approval.revised',
  'approval.voted',
  'approval.decided',
  'content.revised',
  'content.judged',
  'post.published',
  'budget.overrun',
  'webhook.received',
  'webhook.disabled',
] as const;

/** Words of the documents for ends of runs that carry out a task. A cancelled one has not reached its end: it failed. */
const TASK_WORDS: Readonly<Record<string, readonly string[]>> = {
  'task.completed': ['run.completed'],
  'task.failed': ['run.failed', 'run.cancelled'],
};

/** What one endpoint may be told of. */
export const WEBHOOK_EVENTS: readonly string[] = [...LOGGED_EVENTS, ...Object.keys(TASK_WORDS)];

/** Sent on request alone, so nobody subscribes to it. */
export const TEST_EVENT = 'webhook.test';

const covers = (pattern: string, name: string): boolean =>
  pattern === '*' || pattern === name || (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -1)));

/** @throws DomainError validation naming the first pattern that no event can match. */
export const requireKnownEvents = (patterns: readonly string[]): void => {
  const unknown = patterns.findIndex((pattern) => !WEBHOOK_EVENTS.some((name) => covers(pattern, name)));
  if (unknown < 0) return;
  const families = [...new Set(WEBHOOK_EVENTS.map((name) => `${name.split('.')[0]}.*`))];
  throw invalid(
    `body.events.${unknown}`,
    `no event is called "${patterns[unknown]}": use *, one of ${families.join(', ')}, or one of ${WEBHOOK_EVENTS.join(', ')}`,
  );
};

/**
 * The name under which an endpoint is told of an event, or `undefined` when it did not ask for it. The event's own name goes
 * before the documents' words, so that each event is told once.
 * @param isTask whether the event's run carries out a task.
 */
export const nameFor = (
  patterns: readonly string[],
  event: { readonly type: string; readonly isTask: boolean },
): string | undefined => {
  const words = event.isTask
    ? Object.entries(TASK_WORDS).flatMap(([word, types]) => (types.includes(event.type) ? [word] : []))
    : [];
  return [event.type, ...words].find((name) => patterns.some((pattern) => covers(pattern, name)));
};
