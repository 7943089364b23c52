import type { RunInput } from '../runs/messages.ts';

/** Answers stay small: texts lie in the database under their step. */
export interface OutlineAnswer {
  readonly sections: number;
}

/** One round of writing: 0 is the first draft, each request for changes begins another. */
export interface RoundInput extends RunInput {
  readonly round: number;
  /** Within a round: 0 writes, each further pass revises what the judge was not content with. */
  readonly pass?: number;
}

export interface JudgeInput extends RoundInput {
  readonly content_id: string;
  readonly revision: number;
}

export interface JudgeAnswer {
  readonly score: number;
  readonly passed: boolean;
  /** Which sections the next pass revises; none when the text goes on as it is. */
  readonly revise: readonly number[];
}

export interface SectionInput extends RoundInput {
  readonly index: number;
}

export interface RevisionAnswer {
  readonly content_id: string;
  readonly revision: number;
}

export interface GateInput extends RunInput {
  /** Counts the gates of this attempt: each is a new approval. */
  readonly gate: number;
  readonly content_id: string;
}

export interface VerdictAnswer {
  readonly status: 'open' | 'approved' | 'rejected' | 'changes_requested' | 'expired' | 'cancelled';
  readonly revision: number;
  /** Milliseconds since the epoch; `null` when it waits for ever. */
  readonly expires_at: number | null;
  /** Who writes the next revision after `changes_requested`; `nobody` when the decision brought it along. */
  readonly next_author: 'model' | 'person' | 'nobody';
}

export interface PublishInput extends RunInput {
  readonly content_id: string;
  readonly revision: number;
}
