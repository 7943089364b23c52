import { invalid } from '../../../domain/errors.ts';
import type { Json } from '../../../domain/json.ts';
import { MASK, readValue, type SettingType } from '../../../domain/settings/setting.ts';
import { seal } from '../../../platform/sealed.ts';
import {
  addSetting,
  changeSetting,
  removeSetting,
  requireSetting,
  settingListing,
  type SettingRow,
  type StoredValue,
} from '../../../store/settings/settings.repository.ts';
import type { components } from '../../generated/openapi.d.ts';
import { defineHandlers } from '../../http/operation.ts';
import { item, list } from '../../http/resource.ts';
import { checkText } from '../../http/text.ts';
import { time } from '../../http/wire.ts';

export interface SettingDeps {
  readonly secretKey: Buffer;
}

const view = (row: SettingRow): components['schemas']['Setting'] => ({
  id: row.id,
  key: row.key,
  value: row.is_secret ? MASK : row.value,
  type: row.type,
  is_secret: row.is_secret,
  version: row.version,
  created_at: time(row.created_at),
  updated_at: time(row.updated_at),
});

export const settingHandlers = ({ secretKey }: SettingDeps) => {
  const page = list({ path: '/api/settings', listing: settingListing, view });

  /** @throws DomainError validation when the value is not of the type, or is what a secret looks like from outside. */
  const toStored = (type: SettingType, isSecret: boolean, given: unknown): StoredValue => {
    const value = readValue(type, given as Json);
    // A text that was read as JSON has not been looked into yet.
    checkText({ params: {}, query: {}, body: { value } });
    if (isSecret && value === MASK)
      throw invalid('body.value', 'is how a secret is shown, not the secret itself');
    const sealFor = (id: string): string => seal(secretKey, 'setting', id, JSON.stringify(value));
    return { value, sealFor: isSecret ? sealFor : null };
  };

  return defineHandlers({
    listSettings: async (input, ctx) => {
      const body = await page(input, ctx);
      return { ...body, settings: body.items };
    },
    getSetting: item('setting_id', requireSetting, view),

    createSetting: ({ body }, ctx) => {
      const { key, type, value, is_secret: isSecret } = body;
      const stored = toStored(type, isSecret, value);
      return ctx.write(async (tx) => view(await addSetting(tx, { key, type, ...stored })));
    },

    updateSetting: ({ params, body }, ctx) =>
      ctx.write(async (tx) => {
        const stored = (before: SettingRow): StoredValue =>
          toStored(before.type, before.is_secret, body.value);
        return view(await changeSetting(tx, params.setting_id, stored, body.version));
      }),

    deleteSetting: async ({ params }, ctx) => {
      await ctx.write((tx) => removeSetting(tx, params.setting_id));
      return undefined;
    },
  });
};
