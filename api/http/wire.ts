/** How values look on the wire. */
export const time = (date: Date): string => date.toISOString();
export const maybeTime = (date: Date | null): string | null => date?.toISOString() ?? null;

/** Dollars from the integer micro-dollars that are kept inside. */
export const usd = (micros: number): number => micros / 1_000_000;
