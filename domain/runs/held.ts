/** An activity that may not go on now, because its run is paused, answers this; the workflow asks again after a poke. */
export interface Held {
  readonly held: true;
}
export const HELD: Held = { held: true };

export const isHeld = (answer: unknown): answer is Held =>
  typeof answer === 'object' && answer !== null && 'held' in answer && answer.held === true;

/** The failure type with which an activity says that this attempt has nothing left to do. */
export const RUN_ENDED = 'run_ended';
