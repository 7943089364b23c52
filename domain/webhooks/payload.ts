import type { JsonObject } from '../json.ts';

/** An event of the log and the run that it belongs to, if it does. */
export interface LoggedEvent {
  readonly stream: string;
  readonly seq: number;
  readonly pos: number;
  readonly type: string;
  readonly payload: JsonObject;
  readonly at: Date;
  readonly run: { readonly id: string; readonly subject_type: string; readonly subject_id: string } | null;
}

export const isTaskEvent = ({ run }: Pick<LoggedEvent, 'run'>): boolean => run?.subject_type === 'task';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
const WORD = /^[a-z_.]{1,40}$/;

/** Ids, states and counts of an event: never what it is about. */
const factsOf = (payload: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(payload).filter(
      ([key, value]) =>
        (key.endsWith('_id') && typeof value === 'string' && UUID.test(value)) ||
        (/^(status|kind|event|decision|reason)$/.test(key) &&
          typeof value === 'string' &&
          WORD.test(value)) ||
        (/^(attempt|revision)$/.test(key) && typeof value === 'number'),
    ),
  );

const PATHS: Readonly<Record<string, string>> = {
  run_id: '/api/v1/runs/',
  task_id: '/api/tasks/',
  approval_id: '/api/v1/approvals/',
  webhook_id: '/api/settings/webhooks/',
};

const linksOf = (facts: JsonObject, publicUrl: string): JsonObject =>
  Object.fromEntries(
    Object.entries(PATHS).flatMap(([key, path]) =>
      typeof facts[key] === 'string' ? [[key.replace(/_id$/, ''), `${publicUrl}${path}${facts[key]}`]] : [],
    ),
  );

/**
 * What is sent of an event: what happened to which things, and where to read about them. Whoever may not read them learns
 * nothing from it but their ids.
 * @param name the name by which the endpoint asked for it.
 */
export const thinPayload = (event: LoggedEvent, name: string, publicUrl: string): JsonObject => {
  const { run } = event;
  const facts: JsonObject = {
    ...factsOf(event.payload),
    ...(run === null ? {} : { run_id: run.id }),
    ...(run !== null && isTaskEvent(event) ? { task_id: run.subject_id } : {}),
  };
  return {
    type: name,
    timestamp: event.at.toISOString(),
    data: {
      ...facts,
      ...(name === 'task.failed' ? { outcome: event.type === 'run.cancelled' ? 'cancelled' : 'failed' } : {}),
      stream: event.stream,
      seq: event.seq,
      links: linksOf(facts, publicUrl),
    },
  };
};
