import type { JsonObject } from './json.ts';

/** Asks Temporal to start the workflow that carries an attempt of a run. Ids only: documents stay in the database. */
export interface StartPayload extends JsonObject {
  readonly workflow: string;
  readonly queue: string;
  readonly input: JsonObject;
  /** What Temporal's Web UI shows as the workflow's name. */
  readonly summary: string;
  readonly kind: string;
  readonly entity_id: string;
  readonly workspace_id: string;
}

/** A poke: it names no content, the workflow reads the rows beyond its mark. */
export interface SignalPayload extends JsonObject {
  readonly signal: string;
}
