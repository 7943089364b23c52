import { notFound } from '../../domain/errors.ts';
import { sql } from '../sql.ts';
import type { Reader } from '../store.ts';

/** @throws DomainError not_found. */
export const findWorkspace = async (db: Reader, slug: string): Promise<{ id: string; slug: string }> => {
  const found = await db.maybe<{ id: string; slug: string }>(
    sql`select id, slug from workspaces where slug = ${slug}`,
  );
  if (!found) throw notFound('workspace', slug);
  return found;
};
