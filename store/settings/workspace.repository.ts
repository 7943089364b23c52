import { DEFAULT_THEME, type ColourScheme, type Theme } from '../../domain/settings/theme.ts';
import { sql } from '../sql.ts';
import type { Reader, Writer } from '../store.ts';

/** What a workspace is called, and how it speaks to people. */
export interface General {
  readonly app_name: string;
  /** A BCP 47 tag. */
  readonly language: string;
  /** A name of the tz database. */
  readonly timezone: string;
}

/** A workspace's settings, or those of the site whose public this is. */
export interface WorkspaceSettings extends General {
  readonly theme: Theme;
}

interface Row extends General {
  readonly scheme: ColourScheme | null;
  readonly accent: string | null;
}

export const readWorkspaceSettings = async (db: Reader): Promise<WorkspaceSettings> => {
  const { scheme, accent, ...row } = await db.one<Row>(
    sql`select w.name as app_name, coalesce(s.language, 'en') as language, coalesce(s.time_zone, 'UTC') as timezone,
               s.theme as scheme, s.accent_color as accent
          from workspaces w left join workspace_settings s on s.workspace_id = w.id`,
  );
  return {
    ...row,
    theme: { scheme: scheme ?? DEFAULT_THEME.scheme, accent: accent ?? DEFAULT_THEME.accent },
  };
};

/** Reads them under the lock that all who change them take first, so that the audit says what really was before. */
const lockWorkspaceSettings = async (tx: Writer): Promise<WorkspaceSettings> => {
  const { workspaceId } = tx.principal;
  tx.send(
    sql`insert into workspace_settings (workspace_id) values (${workspaceId}) on conflict (workspace_id) do nothing`,
  );
  tx.send(sql`select 1 from workspace_settings where workspace_id = ${workspaceId} for update`);
  return readWorkspaceSettings(tx);
};

/** Changes what is given of it; the rest stays. */
export const setGeneral = async (tx: Writer, wanted: Partial<General>): Promise<General> => {
  const { workspaceId } = tx.principal;
  const { app_name, language, timezone } = await lockWorkspaceSettings(tx);
  const before: General = { app_name, language, timezone };
  const after: General = { ...before, ...wanted };
  tx.send(sql`update workspaces set name = ${after.app_name} where id = ${workspaceId}`);
  tx.send(
    sql`update workspace_settings set language = ${after.language}, time_zone = ${after.timezone}, updated_at = now()
         where workspace_id = ${workspaceId}`,
  );
  tx.audit('settings.general', 'workspace', workspaceId, { before: { ...before }, after: { ...after } });
  return after;
};

/** @param theme `null` gives back the one that the site came with. */
export const setTheme = async (tx: Writer, theme: Theme | null): Promise<void> => {
  const { workspaceId } = tx.principal;
  const { theme: before } = await lockWorkspaceSettings(tx);
  tx.send(
    sql`update workspace_settings set theme = ${theme?.scheme ?? DEFAULT_THEME.scheme}, accent_color = ${theme?.accent ?? null},
               updated_at = now()
         where workspace_id = ${workspaceId}`,
  );
  tx.audit('settings.theme', 'workspace', workspaceId, {
    before: { ...before },
    after: { ...(theme ?? DEFAULT_THEME) },
  });
};
