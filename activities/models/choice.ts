import { existsSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { basename, join } from 'node:path';
import type { Config } from '../../platform/config.ts';
import { ollamaUrl } from '../../platform/ollama.ts';
import { DEFAULT_ANTHROPIC_MODEL } from './providers/anthropic.ts';
import { DEFAULT_GOOGLE_MODEL } from './providers/google.ts';
import { DEFAULT_OPENAI_MODEL, isOpenAi } from './providers/openai.ts';
import { SCRIPTED_NAMES } from './providers/scripted.ts';

/** In the order in which they are chosen. */
export const PROVIDERS = ['anthropic', 'openai', 'google', 'ollama', 'local', 'scripted'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** What the launcher puts into the cache. */
const BUNDLED_WEIGHTS = 'smollm2-135m-instruct-q4_1.gguf';
const BUNDLED_NAME = 'smollm2-135m';

export type ModelsConfig = Pick<Config, 'models' | 'cacheDir' | 'environment'>;

export interface Choice {
  provider: Provider;
  name: string;
}

export const idOf = ({ provider, name }: Choice): string => (name === '' ? provider : `${provider}:${name}`);

export const localWeights = ({ models, cacheDir }: ModelsConfig): string =>
  models.localPath ?? join(cacheDir, 'models', BUNDLED_WEIGHTS);

const localName = ({ models }: ModelsConfig): string =>
  models.localPath === null
    ? BUNDLED_NAME
    : basename(models.localPath)
        .replace(/\.gguf$/i, '')
        .toLowerCase();

/** Empty where somebody has to say which of a server's models is meant. */
export const defaultName = (provider: Provider, config: ModelsConfig): string => {
  switch (provider) {
    case 'anthropic':
      return DEFAULT_ANTHROPIC_MODEL;
    case 'openai':
      return isOpenAi(config.models.openai.baseUrl) ? DEFAULT_OPENAI_MODEL : '';
    case 'google':
      return DEFAULT_GOOGLE_MODEL;
    case 'ollama':
      return '';
    case 'local':
      return localName(config);
    default:
      return 'instant';
  }
};

/** Names may hold colons themselves (`openai:llama3:8b`). Undefined for an unknown provider. */
export const parseChoice = (id: string, config: ModelsConfig): Choice | undefined => {
  const colon = id.indexOf(':');
  const word = colon < 0 ? id : id.slice(0, colon);
  const provider = PROVIDERS.find((known) => known === word);
  return (
    provider && { provider, name: (colon < 0 ? '' : id.slice(colon + 1)) || defaultName(provider, config) }
  );
};

/** Whether an installation said anything of a provider; the local model needs no word. */
export const isConfigured = (provider: Provider, { models, environment }: ModelsConfig): boolean => {
  switch (provider) {
    case 'anthropic':
    case 'google':
      return models[provider].apiKey !== null;
    case 'openai':
      return models.openai.apiKey !== null || models.openai.baseUrl !== null;
    case 'ollama':
      return models.ollama.host !== null || models.chosen?.split(':')[0] === 'ollama';
    case 'local':
      return true;
    default:
      return environment === 'test';
  }
};

/**
 * The provider of an installation that chose none: the first whose credentials are there, else the local model. Never
 * Ollama, as only a person can say which of its models is meant.
 */
export const automatic = (config: ModelsConfig): Provider =>
  (['anthropic', 'openai', 'google'] as const).find((provider) => isConfigured(provider, config)) ?? 'local';

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

const urlObstacle = (setting: string, baseUrl: string | null): string | null =>
  baseUrl === null || URL.canParse(baseUrl) ? null : `${setting} is no URL: ${baseUrl}`;

const openAiObstacle = (name: string, { models }: ModelsConfig): string | null => {
  const { apiKey, baseUrl } = models.openai;
  const broken = urlObstacle('OPENAI_BASE_URL', baseUrl);
  if (broken !== null) return broken;
  if (apiKey === null && isOpenAi(baseUrl))
    return 'OpenAI needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL for a compatible server';
  return name === '' ? `Say which model of ${baseUrl} to use: set TASKLOOM_MODEL to openai:<name>` : null;
};

const ollamaObstacle = (name: string, { models }: ModelsConfig): string | null => {
  const { host } = models.ollama;
  if (host !== null && ollamaUrl(host) === null)
    return `OLLAMA_HOST is no address like 127.0.0.1:11434: ${host}`;
  if (name !== '') return null;
  return 'Say which model of Ollama to use: set TASKLOOM_MODEL to ollama:<name>';
};

/** What stands in the way of a choice, in words that name the setting to change; null when nothing does. */
export const obstacle = ({ provider, name }: Choice, config: ModelsConfig): string | null => {
  const { anthropic, google } = config.models;
  switch (provider) {
    case 'anthropic':
      if (anthropic.apiKey === null) return 'Claude needs a key: set ANTHROPIC_API_KEY';
      return urlObstacle('ANTHROPIC_BASE_URL', anthropic.baseUrl);
    case 'google':
      if (google.apiKey === null) return 'Gemini needs a key: set GOOGLE_GENERATIVE_AI_API_KEY';
      return urlObstacle('GOOGLE_GENERATIVE_AI_BASE_URL', google.baseUrl);
    case 'openai':
      return openAiObstacle(name, config);
    case 'ollama':
      return ollamaObstacle(name, config);
    case 'local':
      return localObstacle(name, config);
    default:
      if (config.environment !== 'test')
        return 'The scripted model is for tests only: set TASKLOOM_MODEL to a real model (anthropic:…, openai:…, google:…, ollama:… or local)';
      return SCRIPTED_NAMES.includes(name)
        ? null
        : `The scripted model is one of: ${SCRIPTED_NAMES.join(', ')}`;
  }
};
