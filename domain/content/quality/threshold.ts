/** Chosen on the tuning half of test/fixtures/articles alone: between its best bad and its worst good article. */
export const DEFAULT_THRESHOLD = 65;
