import { v7 as uuidv7 } from 'uuid';
import { conflict, notFound } from '../../domain/errors.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { SettingType } from '../../domain/settings/setting.ts';
import { newestFirst, type Listing } from '../page.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

export interface SettingRow {
  readonly id: string;
  readonly key: string;
  readonly type: SettingType;
  readonly is_secret: boolean;
  /** `null` of a secret: only its sealed form is kept. */
  readonly value: Json;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** What is written of a value: itself, or what {@link SealFor} made of it. */
export interface StoredValue {
  readonly value: Json;
  /** Closes a secret for the setting with this id; `null` for what is no secret. */
  readonly sealFor: SealFor | null;
}

export type SealFor = (settingId: string) => string;

const COLUMNS = sql`s.id, s.key, s.type, s.is_secret, s.value, s.version, s.created_at, s.updated_at`;

/** A workspace's own settings, newest first. */
export const settingListing = (): Listing => ({
  columns: COLUMNS,
  from: sql`settings s`,
  where: [],
  order: newestFirst('s'),
});

/** @throws DomainError not_found. */
export const requireSetting = async (db: Reader, id: string): Promise<SettingRow> => {
  const row = await db.maybe<SettingRow>(sql`select ${COLUMNS} from settings s where s.id = ${id}`);
  if (!row) throw notFound('setting', id);
  return row;
};

const lockSetting = async (tx: Writer, id: string): Promise<SettingRow> => {
  const row = await tx.maybe<SettingRow>(
    sql`select ${COLUMNS} from settings s where s.id = ${id} for update`,
  );
  if (!row) throw notFound('setting', id);
  return row;
};

/** What the audit may show of a value: of a secret only that there is one. */
const shown = (isSecret: boolean, name: 'before' | 'after', value: Json): JsonObject =>
  isSecret ? {} : { [name]: value };

const columnsOf = (id: string, { value, sealFor }: StoredValue) => ({
  value: sealFor ? null : JSON.stringify(value),
  sealed: sealFor ? sealFor(id) : null,
});

/** Adds a setting. @throws DomainError conflict when the workspace has one with this key. */
export const addSetting = async (
  tx: Writer,
  setting: { readonly key: string; readonly type: SettingType } & StoredValue,
): Promise<SettingRow> => {
  const { key, type, sealFor } = setting;
  const { workspaceId, userId } = tx.principal;
  const id = uuidv7();
  const { value, sealed } = columnsOf(id, setting);
  const row = await tx.maybe<SettingRow>(
    sql`insert into settings as s (id, workspace_id, key, type, is_secret, value, sealed, created_by)
        values (${id}, ${workspaceId}, ${key}, ${type}, ${sealFor !== null}, ${value}::jsonb, ${sealed}, ${userId})
        on conflict (workspace_id, key) do nothing returning ${COLUMNS}`,
  );
  if (!row) throw conflict('setting_exists', `There is a setting "${key}" already: change that one.`);
  tx.audit('setting.create', 'setting', id, {
    key,
    type,
    is_secret: row.is_secret,
    ...shown(row.is_secret, 'after', setting.value),
  });
  return row;
};

/**
 * Gives a setting another value.
 * @param valueFor the value for the setting as it is: its type and secrecy stay.
 * @param version the one that the caller has seen; without it any is changed.
 * @throws DomainError not_found; conflict when somebody else was faster.
 */
export const changeSetting = async (
  tx: Writer,
  id: string,
  valueFor: (before: SettingRow) => StoredValue,
  version?: number,
): Promise<SettingRow> => {
  const before = await lockSetting(tx, id);
  const next = valueFor(before);
  if (version !== undefined && version !== before.version)
    throw conflict(
      'version_conflict',
      `The setting is at version ${before.version} by now: read it again, then change it.`,
    );
  const { value, sealed } = columnsOf(id, next);
  const after = await tx.one<SettingRow>(
    sql`update settings s set value = ${value}::jsonb, sealed = ${sealed}, version = s.version + 1, updated_at = now()
         where s.id = ${id} returning ${COLUMNS}`,
  );
  tx.audit('setting.update', 'setting', id, {
    key: before.key,
    ...shown(before.is_secret, 'before', before.value),
    ...shown(before.is_secret, 'after', next.value),
  });
  return after;
};

/** @throws DomainError not_found. */
export const removeSetting = async (tx: Writer, id: string): Promise<void> => {
  const { key, is_secret: isSecret, value } = await lockSetting(tx, id);
  tx.send(sql`delete from settings where id = ${id}`);
  tx.audit('setting.delete', 'setting', id, { key, ...shown(isSecret, 'before', value) });
};
