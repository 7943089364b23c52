import { conflict } from '../../domain/errors.ts';
import { writes } from '../../domain/models/route.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';
import type { ModelRow } from './model.rows.ts';

/** What a workspace selects models for. */
export type ModelPurpose = 'writing';

/** The model that this workspace selected for a purpose. @returns `provider:name`, or null when it selected none. */
export const selectedModel = async (
  db: Reader,
  purpose: ModelPurpose = 'writing',
): Promise<string | null> => {
  const row = await db.maybe<{ model_id: string }>(
    sql`select model_id from model_selections where purpose = ${purpose}`,
  );
  return row?.model_id ?? null;
};

/**
 * Makes a model the workspace's own for a purpose, audited.
 * @returns the id of the one that was selected before, or null. @throws DomainError conflict `model_unavailable`, `model_lacks_ability`.
 */
export const selectModel = async (
  tx: Writer,
  model: ModelRow,
  purpose: ModelPurpose = 'writing',
): Promise<string | null> => {
  if (!model.available)
    throw conflict('model_unavailable', `${model.id} can't be selected: ${model.reason ?? 'it is away'}.`);
  if (!writes(model)) throw conflict('model_lacks_ability', `${model.id} can't write text.`);
  const before = await selectedModel(tx, purpose);
  await tx.run(
    sql`insert into model_selections (workspace_id, purpose, model_id, selected_by)
        values (${tx.principal.workspaceId}, ${purpose}, ${model.id}, ${tx.principal.userId})
        on conflict (workspace_id, purpose) do update
          set model_id = excluded.model_id, selected_by = excluded.selected_by, at = now()`,
  );
  tx.audit('model.select', 'model', model.id, { purpose, before });
  return before;
};
