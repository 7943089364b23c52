import { invalid } from '../../domain/errors.ts';

/** How values look on the wire. */
export const time = (date: Date): string => date.toISOString();
export const maybeTime = (date: Date | null): string | null => date?.toISOString() ?? null;

/** Dollars from the integer micro-dollars that are kept inside. */
export const usd = (micros: number): number => micros / 1_000_000;

/** Of a day that its month does not have, JavaScript makes one of the next month. */
const isDay = (day: string): boolean => {
  const at = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day);
};

/**
 * A time in a query. @throws DomainError validation for one that the calendar does not have, such as a leap second or the
 * 30th of February.
 */
export const timeAt = (field: string, text: string | undefined): Date | undefined => {
  if (text === undefined) return undefined;
  const at = new Date(text);
  if (Number.isNaN(at.getTime()) || !isDay(text.slice(0, 10)))
    throw invalid(`query.${field}`, 'is not a time that exists');
  return at;
};
