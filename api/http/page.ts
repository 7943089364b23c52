import { invalid } from '../../domain/errors.ts';
import type { Order, Page, PageRequest } from '../../store/page.ts';

const MAX_OFFSET = 10_000;

export interface PageQuery {
  readonly limit?: number;
  readonly offset?: number;
  readonly skip?: number;
  readonly cursor?: string;
}

const encode = (last: readonly string[]): string => Buffer.from(JSON.stringify(last)).toString('base64url');

const TIME = /^([1-9]\d{3}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{1,6})?[+-](0\d|1[0-5])(:[0-5]\d)?$/;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** A time as the database writes it; one that no calendar has would make its statement fail. */
const isTime = (text: string): boolean => {
  const [, day, clock] = TIME.exec(text) ?? [];
  const at = new Date(`${day}T${clock}Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(`${day}T${clock}`);
};

/** Whether the database takes a text for a value of this type. */
const READABLE: Readonly<Record<Order['type'], (text: string) => boolean>> = {
  timestamptz: isTime,
  uuid: (text) => UUID.test(text),
  bigint: (text) => /^\d{1,18}$/.test(text),
  text: (text) => text.length <= 300 && !text.includes('\0') && text.isWellFormed(),
};

const decode = (cursor: string, order: readonly Pick<Order, 'type'>[]): string[] => {
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (
      Array.isArray(values) &&
      values.length === order.length &&
      order.every(({ type }, i) => typeof values[i] === 'string' && READABLE[type](values[i]))
    )
      return values as string[];
  } catch {
    // Fall through: not one of ours.
  }
  throw invalid('query.cursor', 'is not a cursor of this list');
};

/**
 * Reads a list's `limit`, `offset` (= `skip`) and `cursor`.
 * @param order what a cursor of this list holds a value for. @throws DomainError validation.
 */
export const toPageRequest = (
  query: PageQuery,
  order: readonly Pick<Order, 'type'>[],
): PageRequest & { limit: number } => {
  const { offset = 0, skip, cursor } = query;
  if (skip !== undefined && offset !== 0 && offset !== skip)
    throw invalid('query.skip', 'means the same as offset: give one of them');
  const start = skip ?? offset;
  if (cursor !== undefined && start !== 0)
    throw invalid('query.cursor', 'takes the place of offset: give one of them');
  if (start > MAX_OFFSET)
    throw invalid('query.offset', `must be at most ${MAX_OFFSET}; go further with next_cursor`);
  return {
    limit: query.limit ?? 100,
    offset: start,
    after: cursor === undefined ? null : decode(cursor, order),
  };
};

const link = (
  path: string,
  query: PageQuery & object,
  change: Record<string, string | number | undefined>,
): string => {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, skip: undefined, ...change }))
    if (value !== undefined) params.set(name, String(value));
  return `${path}?${params.toString()}`;
};

/** The one page body. @param path the list's own address, for its links. */
export const toPageBody = <Row, Item>(
  page: Page<Row>,
  view: (row: Row) => Item,
  at: { path: string; query: PageQuery & object; request: PageRequest },
) => {
  const { request, path, query } = at;
  const cursor = page.hasMore && page.last ? encode(page.last) : null;
  return {
    items: page.rows.map(view),
    total: page.total,
    total_is_capped: page.totalIsCapped,
    offset: request.offset,
    skip: request.offset,
    limit: request.limit,
    has_more: page.hasMore,
    next_cursor: cursor,
    links: {
      next: cursor ? link(path, query, { cursor, offset: undefined }) : null,
      prev:
        request.offset > 0
          ? link(path, query, { cursor: undefined, offset: Math.max(request.offset - request.limit, 0) })
          : null,
    },
  };
};
