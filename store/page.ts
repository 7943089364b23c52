import { all, sql, type Sql } from './sql.ts';
import type { Reader } from './store.ts';

/** Filtered totals are counted up to here and then said to be capped. */
const COUNT_CAP = 10_000;

export interface PageRequest {
  readonly limit: number;
  readonly offset: number;
  /** The order's values of the last row that was seen, as text; takes the place of `offset`. */
  readonly after: readonly string[] | null;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
  readonly totalIsCapped: boolean;
  readonly hasMore: boolean;
  /** The order's values of this page's last row. */
  readonly last: readonly string[] | null;
}

/** One column of an order: the expression, its type in a comparison, its direction. The last must be unique. */
export interface Order {
  readonly column: Sql;
  readonly type: 'timestamptz' | 'uuid' | 'text' | 'bigint';
  readonly descending: boolean;
}

export interface Listing {
  readonly columns: Sql;
  readonly from: Sql;
  readonly where: readonly Sql[];
  readonly order: readonly Order[];
  /** Counters whose sum is the total; without them the rows are counted. A kind that ends with `/` means all below it. */
  readonly counters?: { readonly kind: string; readonly statuses: readonly string[] | null };
}

/** Newest first, and stable: ids break ties. */
export const newestFirst = (
  table: 'r' | 'a' | 'c' | 't' | 'p' | 's' | 'k',
  column: 'created_at' | 'updated_at' | 'published_at' = 'created_at',
): Order[] => [
  { column: { text: `${table}.${column}`, values: [] }, type: 'timestamptz', descending: true },
  { column: { text: `${table}.id`, values: [] }, type: 'uuid', descending: true },
];

const cast = (type: Order['type']): Sql => ({ text: `::${type}`, values: [] });

/**
 * "Comes after this row in this order": the row comparison (a, b) < (x, y), which an index answers at once; where
 * directions differ, the first column's part stands alone.
 */
const beyond = (order: readonly Order[], after: readonly string[]): Sql => {
  const [first, ...rest] = order;
  if (!first) return sql`true`;
  const value = sql`${after[0]}${cast(first.type)}`;
  const sign: Sql = { text: first.descending ? '<' : '>', values: [] };
  if (rest.length === 0) return sql`${first.column} ${sign} ${value}`;
  if (rest.every(({ descending }) => descending === first.descending)) {
    const columns = order.map(({ column }) => column).reduce((a, b) => sql`${a}, ${b}`);
    const values = order
      .map(({ type }, i) => sql`${after[i]}${cast(type)}`)
      .reduce((a, b) => sql`${a}, ${b}`);
    return sql`(${columns}) ${sign} (${values})`;
  }
  return sql`(${first.column} ${sign}= ${value} and (${first.column} ${sign} ${value} or ${beyond(rest, after.slice(1))}))`;
};

const orderBy = (order: readonly Order[]): Sql =>
  order
    .map(({ column, descending }) => sql`${column} ${{ text: descending ? 'desc' : 'asc', values: [] }}`)
    .reduce((a, b) => sql`${a}, ${b}`);

const countRows = async (
  db: Reader,
  listing: Listing,
): Promise<{ total: number; totalIsCapped: boolean }> => {
  if (listing.counters) {
    const { kind, statuses } = listing.counters;
    const row = await db.one<{ n: number }>(
      sql`select coalesce(sum(n), 0)::bigint as n from counters
           where (kind = ${kind} or (${kind.endsWith('/')} and starts_with(kind, ${kind}))) and (${statuses}::text[] is null or status = any(${statuses}))`,
    );
    return { total: Math.max(row.n, 0), totalIsCapped: false };
  }
  const row = await db.one<{ n: number }>(
    sql`select count(*) as n from (select 1 from ${listing.from} where ${all(listing.where)} limit ${COUNT_CAP + 1}) as counted`,
  );
  return { total: Math.min(row.n, COUNT_CAP), totalIsCapped: row.n > COUNT_CAP };
};

/** Reads one page of a list and its total. */
export const readPage = async <Row extends object>(
  db: Reader,
  listing: Listing,
  request: PageRequest,
): Promise<Page<Row>> => {
  const keys = listing.order.map(({ column }) => sql`(${column})::text`).reduce((a, b) => sql`${a}, ${b}`);
  const where = request.after ? [...listing.where, beyond(listing.order, request.after)] : listing.where;
  const [rows, count] = await Promise.all([
    db.many<Row & { page_key: string[] }>(
      sql`select ${listing.columns}, array[${keys}] as page_key from ${listing.from} where ${all(where)}
           order by ${orderBy(listing.order)} limit ${request.limit + 1} offset ${request.after ? 0 : request.offset}`,
    ),
    countRows(db, listing),
  ]);
  const shown = rows.slice(0, request.limit);
  return {
    rows: shown,
    ...count,
    hasMore: rows.length > request.limit,
    last: shown.at(-1)?.page_key ?? null,
  };
};
