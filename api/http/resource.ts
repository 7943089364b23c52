import type { Listing, PageRequest } from '../../store/page.ts';
import { readPage } from '../../store/page.ts';
import type { Reader } from '../../store/store.ts';
import type { Context } from './context.ts';
import { toPageBody, toPageRequest, type PageQuery } from './page.ts';

/** One list of the API: where its rows come from for a query, and how a row looks. */
export interface ListDeclaration<Query extends PageQuery, Row extends object, Item> {
  readonly path: string;
  readonly listing: (query: Query, ctx: Context) => Listing;
  readonly view: (row: Row) => Item;
}

const readList = async <Query extends PageQuery, Row extends object, Item>(
  declaration: ListDeclaration<Query, Row, Item>,
  query: Query,
  ctx: Context,
  read: (fn: (db: Reader) => Promise<ListBody<Item>>) => Promise<ListBody<Item>>,
) => {
  const listing = declaration.listing(query, ctx);
  const request: PageRequest = toPageRequest(query, listing.order);
  return read(async (db) =>
    toPageBody(await readPage<Row>(db, listing, request), declaration.view, {
      path: declaration.path,
      query,
      request,
    }),
  );
};

export type ListBody<Item> = ReturnType<typeof toPageBody<unknown, Item>>;

/** The handler of a list that needs sign-in. */
export const list =
  <Query extends PageQuery, Row extends object, Item>(declaration: ListDeclaration<Query, Row, Item>) =>
  ({ query }: { query: Query }, ctx: Context): Promise<ListBody<Item>> =>
    readList(declaration, query, ctx, (fn) => ctx.read(fn));

/** The handler of a list across workspaces, for those who administer the server. */
export const adminList =
  <Query extends PageQuery, Row extends object, Item>(declaration: ListDeclaration<Query, Row, Item>) =>
  ({ query }: { query: Query }, ctx: Context): Promise<ListBody<Item>> =>
    readList(declaration, query, ctx, (fn) => ctx.readAcross(fn));

/** The handler of a list of the public site. */
export const siteList =
  <Query extends PageQuery, Row extends object, Item>(declaration: ListDeclaration<Query, Row, Item>) =>
  ({ query }: { query: Query }, ctx: Context): Promise<ListBody<Item>> =>
    readList(declaration, query, ctx, (fn) => ctx.readSite(fn));

/** The handler of a list that is open across workspaces. */
export const openList =
  <Query extends PageQuery, Row extends object, Item>(declaration: ListDeclaration<Query, Row, Item>) =>
  ({ query }: { query: Query }, ctx: Context): Promise<ListBody<Item>> =>
    readList(declaration, query, ctx, (fn) => ctx.readOpen(fn));

/** The handler that reads one thing by the id in its path. */
export const item =
  <Param extends string, Row, Item>(
    param: Param,
    load: (db: Reader, id: string, ctx: Context) => Promise<Row>,
    view: (row: Row) => Item,
  ) =>
  ({ params }: { params: { [P in Param]: string } }, ctx: Context): Promise<Item> =>
    ctx.read(async (db) => view(await load(db, params[param], ctx)));
