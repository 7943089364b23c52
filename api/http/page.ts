import { invalid } from '../../domain/errors.ts';
import type { Page, PageRequest } from '../../store/page.ts';

const MAX_OFFSET = 10_000;

export interface PageQuery {
  readonly limit?: number;
  readonly offset?: number;
  readonly skip?: number;
  readonly cursor?: string;
}

const encode = (last: readonly string[]): string => Buffer.from(JSON.stringify(last)).toString('base64url');

const decode = (cursor: string, columns: number): string[] => {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (
      Array.isArray(value) &&
      value.length === columns &&
      value.every((item) => typeof item === 'string' && /^[\w :.+-]{1,60}$/.test(item))
    )
      return value as string[];
  } catch {
    // Fall through: not one of ours.
  }
  throw invalid('query.cursor', 'is not a cursor of this list');
};

/**
 * Reads a list's `limit`, `offset` (= `skip`) and `cursor`.
 * @param columns how many values a cursor of this list holds. @throws DomainError validation.
 */
export const toPageRequest = (query: PageQuery, columns: number): PageRequest & { limit: number } => {
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
    after: cursor === undefined ? null : decode(cursor, columns),
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
