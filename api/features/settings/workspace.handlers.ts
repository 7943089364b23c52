import { toLanguage, toTimeZone } from '../../../domain/settings/general.ts';
import { DEFAULT_THEME, type Theme } from '../../../domain/settings/theme.ts';
import {
  readWorkspaceSettings,
  setGeneral,
  setTheme,
  type General,
} from '../../../store/settings/workspace.repository.ts';
import type { components } from '../../generated/openapi.d.ts';
import { defineHandlers } from '../../http/operation.ts';

const generalView = (row: General): components['schemas']['GeneralSettings'] => ({
  app_name: row.app_name,
  language: row.language,
  timezone: row.timezone,
});

const themeView = ({ scheme, accent }: Theme): components['schemas']['Theme'] => ({
  theme: scheme,
  accent_color: accent.toUpperCase(),
  is_default: scheme === DEFAULT_THEME.scheme && accent === DEFAULT_THEME.accent,
});

/** What is asked for, in its normal form. @throws DomainError validation. */
const toGeneral = (body: components['schemas']['GeneralSettingsChange']): Partial<General> => ({
  ...(body.app_name === undefined ? {} : { app_name: body.app_name.trim() }),
  ...(body.language === undefined ? {} : { language: toLanguage(body.language) }),
  ...(body.timezone === undefined ? {} : { timezone: toTimeZone(body.timezone) }),
});

export const workspaceSettingHandlers = () =>
  defineHandlers({
    getGeneralSettings: (_input, ctx) => ctx.read(async (db) => generalView(await readWorkspaceSettings(db))),
    setGeneralSettings: ({ body }, ctx) =>
      ctx.write(async (tx) => generalView(await setGeneral(tx, toGeneral(body)))),

    getTheme: (_input, ctx) => ctx.read(async (db) => themeView((await readWorkspaceSettings(db)).theme)),
    setTheme: ({ body }, ctx) =>
      ctx.write(async (tx) => {
        const accent = body.accent_color?.toLowerCase() ?? DEFAULT_THEME.accent;
        const theme: Theme = { scheme: body.theme, accent };
        await setTheme(tx, theme);
        return themeView(theme);
      }),
    resetTheme: async (_input, ctx) => {
      await ctx.write((tx) => setTheme(tx, null));
      return undefined;
    },
  });
