/** A request that the writer can act on. `section` is the index of the `##` section it concerns, `null` the whole. */
export interface Note {
  readonly text: string;
  readonly section: number | null;
}

/** One measure of a text. */
export interface Part {
  readonly name: string;
  /** 0 (as bad as it gets) to 100 (nothing to say). */
  readonly score: number;
  /** How many percent of the total a score of 0 costs. */
  readonly weight: number;
  /** The number that was measured; what it counts is said in docs/judge.md. */
  readonly value: number;
  readonly note: string | null;
}

/** A measure and everything it asks for. */
export interface Finding {
  readonly part: Part;
  readonly notes: readonly Note[];
}

/** Where `value` lies between `bad` (0) and `good` (100), whichever of the two is larger. */
export const ramp = (value: number, bad: number, good: number): number =>
  100 * Math.min(1, Math.max(0, (value - bad) / (good - bad)));

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** Notes are asked for only below this score: smaller losses are no reason to write again. */
const WORTH_A_NOTE = 80;

/** Makes a finding; notes of a part that is good enough are dropped. */
export const finding = (
  name: string,
  weight: number,
  { score, value, notes }: { score: number; value: number; notes: readonly Note[] },
): Finding => {
  const kept = score < WORTH_A_NOTE ? notes : [];
  return {
    part: { name, weight, score: Math.round(score), value: round(value), note: kept[0]?.text ?? null },
    notes: kept,
  };
};

/** A note on the whole text. */
export const overall = (text: string): Note => ({ text, section: null });

/** The share of `part` in `whole`, 0 where there is no whole. */
export const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
