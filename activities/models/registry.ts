import { existsSync, statSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { basename, join } from 'node:path';
import type { ApplicationFailure } from '@temporalio/common';
import type { Config } from '../../platform/config.ts';
import { modelFailure } from './errors.ts';
import type { Model } from './model.ts';
import { anthropicLanguage, DEFAULT_ANTHROPIC_MODEL } from './providers/anthropic.ts';
import { createLocalModel } from './providers/local.ts';
import { DEFAULT_OPENAI_MODEL, isOpenAi, openAiCompatibleLanguage } from './providers/openai-compatible.ts';
import { SCRIPTED_NAMES, scriptedLanguage } from './providers/scripted.ts';

const PROVIDERS = ['anthropic', 'openai', 'local', 'scripted'] as const;
type Provider = (typeof PROVIDERS)[number];

/** What the launcher puts into the cache. */
const BUNDLED_WEIGHTS = 'smollm2-135m-instruct-q4_1.gguf';
const BUNDLED_NAME = 'smollm2-135m';
/** Smaller weights than this were never seen to judge or choose well. */
const STANDARD_WEIGHTS_BYTES = 1_000_000_000;

type ModelsConfig = Pick<Config, 'models' | 'cacheDir' | 'environment'>;

export interface ModelLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface ModelStatus {
  id: string;
  provider: string;
  quality: Model['quality'];
  available: boolean;
  /** Whether a call that names no model gets this one. */
  chosen: boolean;
  /** What to change; there when not available. */
  reason?: string;
}

export interface Models {
  /**
   * @param id `provider:name`, or a provider alone for its default; without one, the configured model
   * @throws ApplicationFailure `model_not_configured` that names the setting to change
   */
  resolve(id?: string): Promise<Model>;
  /** One row per provider, in the order in which they are chosen. */
  status(): ModelStatus[];
  /** Ends the local model's process; calls in flight on it fail as `model_unavailable`. */
  close(): Promise<void>;
}

interface Choice {
  provider: Provider;
  name: string;
}

const notConfigured = (message: string): ApplicationFailure => modelFailure('model_not_configured', message);

const localWeights = ({ models, cacheDir }: ModelsConfig): string =>
  models.localPath ?? join(cacheDir, 'models', BUNDLED_WEIGHTS);

const localName = ({ models }: ModelsConfig): string =>
  models.localPath === null
    ? BUNDLED_NAME
    : basename(models.localPath)
        .replace(/\.gguf$/i, '')
        .toLowerCase();

const defaultName = (provider: Provider, config: ModelsConfig): string => {
  if (provider === 'anthropic') return DEFAULT_ANTHROPIC_MODEL;
  if (provider === 'openai') return isOpenAi(config.models.openai.baseUrl) ? DEFAULT_OPENAI_MODEL : '';
  return provider === 'local' ? localName(config) : 'instant';
};

/** Names may hold colons themselves (`openai:llama3:8b`). Undefined for an unknown provider. */
const parseChoice = (id: string, config: ModelsConfig): Choice | undefined => {
  const colon = id.indexOf(':');
  const word = colon < 0 ? id : id.slice(0, colon);
  const provider = PROVIDERS.find((known) => known === word);
  return (
    provider && { provider, name: (colon < 0 ? '' : id.slice(colon + 1)) || defaultName(provider, config) }
  );
};

/** The provider of an installation that chose none: the first whose credentials are there, else the local model. */
const automatic = ({ models }: ModelsConfig): Provider => {
  if (models.anthropic.apiKey !== null) return 'anthropic';
  return models.openai.apiKey !== null || models.openai.baseUrl !== null ? 'openai' : 'local';
};

const localObstacle = (name: string, config: ModelsConfig): string | null => {
  const weights = localWeights(config);
  if (name !== localName(config))
    return `The local model here is "${localName(config)}", not "${name}": set TASKLOOM_MODEL_PATH to other weights (GGUF)`;
  if (!existsSync(weights))
    return `The local model's weights are missing (${weights}): run npm start once to fetch them, set TASKLOOM_MODEL_PATH to a GGUF file, or choose another model with TASKLOOM_MODEL`;
  if (!findPackageJSON('node-llama-cpp', import.meta.url))
    return 'The optional package node-llama-cpp is not installed, so the local model cannot run: install it, or choose another model with TASKLOOM_MODEL';
  return null;
};

const isUrl = (baseUrl: string | null): boolean => baseUrl === null || URL.canParse(baseUrl);

/** What stands in the way of a choice, in words that name the setting to change; null when nothing does. */
const obstacle = ({ provider, name }: Choice, config: ModelsConfig): string | null => {
  const { anthropic, openai } = config.models;
  if (provider === 'anthropic')
    return anthropic.apiKey === null ? 'Claude needs a key: set ANTHROPIC_API_KEY' : null;
  if (provider === 'openai') {
    if (!isUrl(openai.baseUrl)) return `OPENAI_BASE_URL is no URL: ${openai.baseUrl}`;
    if (openai.apiKey === null && isOpenAi(openai.baseUrl))
      return 'OpenAI needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL for a compatible server';
    return name === ''
      ? `Say which model of ${openai.baseUrl} to use: set TASKLOOM_MODEL to openai:<name>`
      : null;
  }
  if (provider === 'local') return localObstacle(name, config);
  if (config.environment !== 'test')
    return 'The scripted model is for tests only: set TASKLOOM_MODEL to a real model (anthropic:…, openai:… or local)';
  return SCRIPTED_NAMES.includes(name) ? null : `The scripted model is one of: ${SCRIPTED_NAMES.join(', ')}`;
};

const qualityOf = ({ provider }: Choice, config: ModelsConfig): Model['quality'] => {
  if (provider === 'scripted') return 'demo';
  if (provider !== 'local') return 'standard';
  const size = statSync(localWeights(config), { throwIfNoEntry: false })?.size ?? 0;
  return size < STANDARD_WEIGHTS_BYTES ? 'demo' : 'standard';
};

const SETTINGS: Readonly<Record<Provider, string>> = {
  anthropic: 'ANTHROPIC_API_KEY',
  openai: 'OPENAI_API_KEY',
  local: 'TASKLOOM_MODEL_PATH',
  scripted: 'TASKLOOM_MODEL',
};

const idOf = ({ provider, name }: Choice): string => (name === '' ? provider : `${provider}:${name}`);

/** The configured price was given for the configured model: of any other, nobody said one. */
const priceOf = (choice: Choice, chosen: Choice | undefined, { models }: ModelsConfig): Model['price'] => {
  if (choice.provider === 'local' || choice.provider === 'scripted')
    return { inputPerMtok: 0, outputPerMtok: 0 };
  const { inputPrice, outputPrice } = models;
  if (inputPrice === null || outputPrice === null || !chosen || idOf(choice) !== idOf(chosen)) return null;
  return { inputPerMtok: inputPrice, outputPerMtok: outputPrice };
};

const secretOf = (provider: Provider, { models }: ModelsConfig): string | null =>
  provider === 'anthropic' || provider === 'openai' ? models[provider].apiKey : null;

interface OpenLanguage {
  language: Model['language'];
  close?: () => Promise<void>;
}

const openLanguage = ({ provider, name }: Choice, config: ModelsConfig, log: ModelLog): OpenLanguage => {
  const { anthropic, openai } = config.models;
  if (provider === 'anthropic')
    return { language: anthropicLanguage(name, anthropic.apiKey ?? '', anthropic.baseUrl) };
  if (provider === 'openai')
    return { language: openAiCompatibleLanguage(name, openai.apiKey, openai.baseUrl) };
  if (provider === 'scripted') return { language: scriptedLanguage(name) };
  return createLocalModel({ name, weightsPath: localWeights(config), log });
};

const toModel = (
  choice: Choice,
  chosen: Choice | undefined,
  config: ModelsConfig,
  language: Model['language'],
): Model => {
  const secret = secretOf(choice.provider, config);
  return {
    id: idOf(choice),
    provider: choice.provider,
    name: choice.name,
    quality: qualityOf(choice, config),
    price: priceOf(choice, chosen, config),
    language,
    setting: SETTINGS[choice.provider],
    redact: (text) => (secret === null ? text : text.replaceAll(secret, '[secret]')),
  };
};

const statusOf = (provider: Provider, chosen: Choice | undefined, config: ModelsConfig): ModelStatus => {
  const isChosen = chosen?.provider === provider;
  const choice = isChosen ? chosen : { provider, name: defaultName(provider, config) };
  const reason = obstacle(choice, config);
  return {
    id: idOf(choice),
    provider,
    quality: qualityOf(choice, config),
    available: reason === null,
    chosen: isChosen,
    ...(reason === null ? {} : { reason }),
  };
};

/** The models of this process, from its configuration. Nothing is contacted or loaded before the first call. */
export const createModels = (config: ModelsConfig, { log }: { log: ModelLog }): Models => {
  const resolved = new Map<string, Model>();
  const closers: (() => Promise<void>)[] = [];
  const defaultId = config.models.chosen ?? automatic(config);
  const chosen = parseChoice(defaultId, config);

  const open = (choice: Choice): Model => {
    const { language, close } = openLanguage(choice, config, log);
    if (close) closers.push(close);
    const model = toModel(choice, chosen, config, language);
    resolved.set(model.id, model);
    log.info({ model: model.id, quality: model.quality }, 'model ready');
    return model;
  };

  return {
    resolve: async (id = defaultId) => {
      const choice = parseChoice(id, config);
      if (!choice)
        throw notConfigured(
          `"${id}" names no known model provider: TASKLOOM_MODEL is provider:name, with the provider anthropic, openai or local`,
        );
      const reason = obstacle(choice, config);
      if (reason !== null) throw notConfigured(reason);
      return resolved.get(idOf(choice)) ?? open(choice);
    },
    status: () =>
      PROVIDERS.filter((provider) => provider !== 'scripted' || config.environment === 'test').map(
        (provider) => statusOf(provider, chosen, config),
      ),
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  };
};
