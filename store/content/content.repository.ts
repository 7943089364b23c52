import { v7 as uuidv7 } from 'uuid';
import { conflict, notFound } from '../../domain/errors.ts';
import type { Draft } from '../../domain/content/revision.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';
import { ContentItemEntity, ContentRevisionEntity } from './content.entity.ts';
import { CONTENT_COLUMNS, CONTENT_TABLES, type ContentRow, type ContentStatus } from './content.rows.ts';

export interface Author {
  readonly kind: 'model' | 'person';
  readonly userId: string | null;
  readonly model: string | null;
}

/** Where a revision came from, and what it cost; `stepPath` makes a repeated step find its revision. */
export interface Origin {
  readonly author: Author;
  readonly runId: string | null;
  readonly stepPath: string | null;
  readonly costMicros: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
}

export const byPerson = (userId: string | null): Origin => ({
  author: { kind: 'person', userId, model: null },
  runId: null,
  stepPath: null,
  costMicros: 0,
  tokensIn: 0,
  tokensOut: 0,
});

/** @throws DomainError not_found. */
export const requireContent = async (db: Reader, id: string): Promise<ContentRow> => {
  const row = await db.maybe<ContentRow>(
    sql`select ${CONTENT_COLUMNS} from ${CONTENT_TABLES} where c.id = ${id} and c.deleted_at is null`,
  );
  if (!row) throw notFound('content', id);
  return row;
};

/** Reads content under its lock. @throws DomainError not_found. */
export const lockContent = (tx: Writer, id: string): Promise<ContentRow> => {
  tx.send(sql`select 1 from content_items where id = ${id} for update`);
  return requireContent(tx, id);
};

/** Reads one revision of a piece of content. @throws DomainError not_found. */
export const requireRevision = async (db: Reader, itemId: string, number: number): Promise<Draft> => {
  const draft = await db.maybe<Draft>(
    sql`select title, body, excerpt, featured_image_url as "featuredImageUrl", seo_title as "seoTitle",
               seo_description as "seoDescription"
          from content_revisions where item_id = ${itemId} and number = ${number}`,
  );
  if (!draft) throw notFound('revision', `${itemId}/${number}`);
  return draft;
};

const insertRevision = (
  tx: Writer,
  itemId: string,
  number: number,
  draft: Draft,
  origin: Origin,
): Promise<unknown> =>
  tx.em.insert(ContentRevisionEntity, {
    itemId,
    number,
    workspaceId: tx.principal.workspaceId,
    ...draft,
    authorKind: origin.author.kind,
    authorId: origin.author.userId,
    authorModel: origin.author.model,
    runId: origin.runId,
    stepPath: origin.stepPath,
    costMicros: origin.costMicros,
    tokensIn: origin.tokensIn,
    tokensOut: origin.tokensOut,
  });

export interface NewContent {
  readonly draft: Draft;
  readonly origin: Origin;
  readonly taskId: string | null;
  readonly createdBy: string | null;
  readonly category: string | null;
  readonly tags: readonly string[];
}

/** Creates a piece of content with its first revision. @returns its id. */
export const createContent = async (tx: Writer, input: NewContent): Promise<string> => {
  const id = uuidv7();
  await tx.em.insert(ContentItemEntity, {
    id,
    workspaceId: tx.principal.workspaceId,
    createdBy: input.createdBy,
    taskId: input.taskId,
    category: input.category,
    tags: [...input.tags],
    revision: 1,
  });
  await insertRevision(tx, id, 1, input.draft, input.origin);
  if (input.taskId) tx.send(sql`update tasks set content_id = ${id} where id = ${input.taskId}`);
  tx.count('content', 'draft', 1);
  tx.audit('content.create', 'content', id, { title: input.draft.title, author: input.origin.author.kind });
  return id;
};

/** Adds the next revision. The caller holds the content's lock. @returns its number. */
export const addRevision = async (
  tx: Writer,
  row: ContentRow,
  draft: Draft,
  origin: Origin,
): Promise<number> => {
  const number = row.revision + 1;
  await insertRevision(tx, row.id, number, draft, origin);
  tx.send(sql`update content_items set revision = ${number}, updated_at = now() where id = ${row.id}`);
  tx.audit('content.revise', 'content', row.id, { revision: number, author: origin.author.kind });
  return number;
};

/** The revision that a step made, when it has run before. */
export const revisionOfStep = (
  db: Reader,
  runId: string,
  stepPath: string,
): Promise<{ item_id: string; number: number } | undefined> =>
  db.maybe(
    sql`select item_id, number from content_revisions where run_id = ${runId} and step_path = ${stepPath}`,
  );

/** Moves the status of a piece of content and its totals. */
export const setContentStatus = async (tx: Writer, id: string, status: ContentStatus): Promise<void> => {
  const moved = await tx.maybe<{ before: ContentStatus }>(
    sql`with old as (select id, status from content_items where id = ${id} for update)
        update content_items c set status = ${status}, updated_at = now() from old
         where c.id = old.id and old.status <> ${status} returning old.status as before`,
  );
  if (!moved) return;
  tx.count('content', moved.before, -1);
  tx.count('content', status, 1);
};

/** Removes content from lists and its post from the site; revisions and history stay. The caller holds its lock. */
export const removeContent = async (tx: Writer, row: ContentRow): Promise<void> => {
  const live = await tx.maybe(
    sql`select 1 from runs where status in ('queued','running','waiting','paused')
           and (subject_id = ${row.id} or subject_id = ${row.task_id})`,
  );
  if (live)
    throw conflict('run_live', 'A run is working on this content: cancel the run before you delete it.');
  tx.send(sql`update content_items set deleted_at = now(), updated_at = now() where id = ${row.id}`);
  tx.send(sql`update posts set withdrawn_at = now(), updated_at = now() where content_id = ${row.id}`);
  tx.send(sql`update tasks set content_id = null where content_id = ${row.id}`);
  tx.count('content', row.status, -1);
  if (row.slug !== null) tx.count('post', 'published', -1);
  tx.audit('content.delete', 'content', row.id, { title: row.title });
};
