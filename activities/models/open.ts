import { statSync } from 'node:fs';
import type { Ability, ModelListing, Quality } from '../../domain/models/catalogue.ts';
import { knownAbilities, qualityOfName, qualityOfWeights } from '../../domain/models/known.ts';
import { ollamaUrl } from '../../platform/ollama.ts';
import { localWeights, type Choice, type ModelsConfig, type Provider } from './choice.ts';
import type { Model } from './model.ts';
import { anthropicLanguage, anthropicUrl } from './providers/anthropic.ts';
import { googleLanguage, googleUrl } from './providers/google.ts';
import { LOCAL_CONTEXT_TOKENS } from './providers/local-limits.ts';
import { createLocalModel } from './providers/local.ts';
import { ollamaLanguage } from './providers/ollama.ts';
import { openAiCompatibleLanguage } from './providers/openai-compatible.ts';
import { isOpenAi, openAiLanguage } from './providers/openai.ts';
import { SCRIPTED_NAMES, scriptedLanguage } from './providers/scripted.ts';
import {
  listAnthropic,
  listCompatible,
  listGoogle,
  listLocal,
  listOllama,
  listOpenAi,
} from './providers/vendor-lists.ts';

export interface ModelLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** The configuration, and what only tests change. */
export interface Surroundings {
  readonly config: ModelsConfig;
  readonly log: ModelLog;
  /** Where OpenAI itself answers. */
  readonly openAiUrl: string;
}

interface OpenLanguage {
  language: Model['language'];
  close?: () => Promise<void>;
}

const hostOf = ({ models }: ModelsConfig): string => models.ollama.host ?? '';

/** The variable that an operator checks when a provider refuses the credentials. */
export const SETTINGS: Readonly<Record<Provider, string>> = {
  anthropic: 'ANTHROPIC_API_KEY',
  openai: 'OPENAI_API_KEY',
  google: 'GOOGLE_GENERATIVE_AI_API_KEY',
  ollama: 'OLLAMA_HOST',
  local: 'TASKLOOM_MODEL_PATH',
  scripted: 'TASKLOOM_MODEL',
};

/** Removes a provider's credentials from a text. */
export const redactor = (provider: Provider, { models }: ModelsConfig): ((text: string) => string) => {
  const keyed = provider === 'anthropic' || provider === 'openai' || provider === 'google';
  const secret = keyed ? models[provider].apiKey : null;
  return (text) => (secret === null ? text : text.replaceAll(secret, '[secret]'));
};

/** The model behind a choice in whose way nothing stands. Nothing is contacted. */
export const openLanguage = ({ provider, name }: Choice, around: Surroundings): OpenLanguage => {
  const { config, log, openAiUrl } = around;
  const { anthropic, openai, google } = config.models;
  switch (provider) {
    case 'anthropic':
      return { language: anthropicLanguage(name, anthropic.apiKey ?? '', anthropic.baseUrl) };
    case 'google':
      return { language: googleLanguage(name, google.apiKey ?? '', google.baseUrl) };
    case 'openai':
      return openai.baseUrl === null || isOpenAi(openai.baseUrl)
        ? { language: openAiLanguage(name, openai.apiKey ?? '', openAiUrl) }
        : { language: openAiCompatibleLanguage(name, openai.apiKey, openai.baseUrl) };
    case 'ollama':
      return { language: ollamaLanguage(name, ollamaUrl(hostOf(config)) ?? '') };
    case 'scripted':
      return { language: scriptedLanguage(name) };
    default:
      return createLocalModel({ name, weightsPath: localWeights(config), log });
  }
};

/** What a model can do for certain, without asking its provider: a compatible server may refuse anything but text. */
export const abilitiesOf = ({ provider, name }: Choice, { models }: ModelsConfig): readonly Ability[] => {
  switch (provider) {
    case 'anthropic':
    case 'google':
      return knownAbilities(provider, name);
    case 'openai':
      return isOpenAi(models.openai.baseUrl) ? knownAbilities('openai', name) : [];
    case 'ollama':
    case 'local':
      return ['structured_output'];
    default:
      return [];
  }
};

export const qualityOf = ({ provider, name }: Choice, config: ModelsConfig): Quality => {
  switch (provider) {
    case 'scripted':
      return 'demo';
    case 'ollama':
      return qualityOfName(name);
    case 'local':
      return qualityOfWeights(statSync(localWeights(config), { throwIfNoEntry: false })?.size ?? 0);
    case 'openai':
      return isOpenAi(config.models.openai.baseUrl) ? 'standard' : qualityOfName(name);
    default:
      return 'standard';
  }
};

const listScripted = (): ModelListing[] =>
  SCRIPTED_NAMES.map((name) => ({
    id: `scripted:${name}`,
    provider: 'scripted',
    name,
    title: name,
    contextWindow: null,
    maxOutputTokens: null,
    abilities: [],
    quality: 'demo',
    sizeBytes: null,
    parameters: null,
    quantization: null,
  }));

/** Asks a provider which models it has. @throws whatever its endpoint or the network threw */
export const listModels = async (
  { provider, name }: Choice,
  { config, openAiUrl }: Surroundings,
  signal: AbortSignal,
): Promise<readonly ModelListing[]> => {
  const { anthropic, openai, google } = config.models;
  switch (provider) {
    case 'anthropic':
      return listAnthropic(anthropicUrl(anthropic.baseUrl), anthropic.apiKey ?? '', signal);
    case 'google':
      return listGoogle(googleUrl(google.baseUrl), google.apiKey ?? '', signal);
    case 'openai':
      return openai.baseUrl === null || isOpenAi(openai.baseUrl)
        ? listOpenAi(openAiUrl, openai.apiKey ?? '', signal)
        : listCompatible(openai.baseUrl, openai.apiKey, signal);
    case 'ollama':
      return listOllama(hostOf(config), signal);
    case 'local':
      return [listLocal(name, localWeights(config), LOCAL_CONTEXT_TOKENS)];
    default:
      return listScripted();
  }
};
