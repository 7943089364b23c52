import { createOpenAI } from '@ai-sdk/openai';
import type { JSONSchema7, JSONSchema7Definition, LanguageModelV4 } from '@ai-sdk/provider';
import { wrapLanguageModel } from 'ai';

export const OPENAI_URL = 'https://api.openai.com/v1';
/** The default of an installation that has a key and chose nothing. */
export const DEFAULT_OPENAI_MODEL = 'gpt-5.4-mini';

/** Whether a base URL (null: none configured) means OpenAI itself. */
export const isOpenAi = (baseUrl: string | null): boolean =>
  baseUrl === null || (URL.canParse(baseUrl) && new URL(baseUrl).hostname === 'api.openai.com');

const children = (schema: JSONSchema7): JSONSchema7Definition[] => [
  ...Object.values(schema.properties ?? {}),
  ...Object.values(schema.$defs ?? {}),
  ...Object.values(schema.definitions ?? {}),
  ...[schema.items ?? []].flat(),
  ...(schema.anyOf ?? []),
];

/** OpenAI's strict mode refuses open objects and optional properties; other schemas are sent as a wish. */
const isStrict = (schema: JSONSchema7Definition): boolean => {
  if (typeof schema === 'boolean') return false;
  if (schema.oneOf || schema.allOf || schema.not || schema.if || schema.patternProperties) return false;
  const names = Object.keys(schema.properties ?? {});
  const closed =
    (schema.type !== 'object' && names.length === 0) ||
    (schema.additionalProperties === false && names.every((name) => schema.required?.includes(name)));
  return closed && children(schema).every(isStrict);
};

/** A model of OpenAI itself, over the AI SDK's own provider, which knows what each family refuses. */
export const openAiLanguage = (name: string, apiKey: string, baseUrl: string): LanguageModelV4 =>
  wrapLanguageModel({
    // Chat completions, not responses: OpenAI keeps nothing of them, and they are what compatible servers speak too.
    model: createOpenAI({ apiKey, baseURL: baseUrl }).chat(name),
    middleware: {
      specificationVersion: 'v4',
      transformParams: async ({ params }) => {
        const schema = params.responseFormat?.type === 'json' ? params.responseFormat.schema : undefined;
        if (schema === undefined || isStrict(schema)) return params;
        return { ...params, providerOptions: { openai: { strictJsonSchema: false } } };
      },
    },
  });
