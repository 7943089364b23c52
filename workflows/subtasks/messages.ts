import type { RunInput } from '../runs/messages.ts';

/** One section of a text that is written section by section. */
export interface PartInput extends RunInput {
  readonly index: number;
}
