import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { APICallError } from '@ai-sdk/provider';
import type { Ability, ModelListing } from '../../../domain/models/catalogue.ts';
import { knownAbilities, qualityOfName, qualityOfWeights } from '../../../domain/models/known.ts';
import { createOllamaClient, type OllamaModel } from '../../../platform/ollama.ts';

type Fields = Readonly<Record<string, unknown>>;

const PAGE = 1000;

const textOr = (value: unknown, other: string): string =>
  typeof value === 'string' && value !== '' ? value : other;
const numberOrNull = (value: unknown): number | null =>
  typeof value === 'number' && value > 0 ? value : null;
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};

/** Everything that a vendor may leave unsaid. */
const unsaid = {
  contextWindow: null,
  maxOutputTokens: null,
  abilities: [],
  quality: 'standard',
  sizeBytes: null,
  parameters: null,
  quantization: null,
} as const;

const listing = (provider: string, name: string, said: Partial<ModelListing>): ModelListing => ({
  ...unsaid,
  id: `${provider}:${name}`,
  provider,
  name,
  title: name,
  ...said,
});

/** The objects in a field of a vendor's answer. @throws APICallError with the status of another answer. */
const getList = async (
  url: string,
  field: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Fields[]> => {
  const response = await fetch(url, { headers: { accept: 'application/json', ...headers }, signal });
  const body = await response.text();
  if (!response.ok)
    throw new APICallError({
      message: response.statusText || 'refused',
      url,
      requestBodyValues: {},
      statusCode: response.status,
      responseBody: body,
    });
  const list = fieldsOf(JSON.parse(body) as unknown)[field];
  if (!Array.isArray(list)) throw new Error(`the answer holds no list "${field}"`);
  return list.map(fieldsOf);
};

const supported = (capabilities: Fields, name: string): boolean =>
  fieldsOf(capabilities[name])['supported'] === true;

/** Claude's models, newest first. @param url with its version */
export const listAnthropic = async (
  url: string,
  key: string,
  signal: AbortSignal,
): Promise<ModelListing[]> => {
  const headers = { 'x-api-key': key, 'anthropic-version': '2023-06-01' };
  const models = await getList(`${url}/models?limit=${PAGE}`, 'data', headers, signal);
  return models.map((model) => {
    const name = textOr(model['id'], '');
    const known = knownAbilities('anthropic', name);
    const said = fieldsOf(model['capabilities']);
    return listing('anthropic', name, {
      title: textOr(model['display_name'], name),
      contextWindow: numberOrNull(model['max_input_tokens']),
      maxOutputTokens: numberOrNull(model['max_tokens']),
      abilities:
        'image_input' in said && !supported(said, 'image_input')
          ? known.filter((ability) => ability !== 'vision')
          : known,
    });
  });
};

/** OpenAI's models. @param url with its version */
export const listOpenAi = async (url: string, key: string, signal: AbortSignal): Promise<ModelListing[]> => {
  const models = await getList(`${url}/models`, 'data', { authorization: `Bearer ${key}` }, signal);
  return models.map((model) => {
    const name = textOr(model['id'], '');
    return listing('openai', name, { abilities: knownAbilities('openai', name) });
  });
};

/** A compatible server's models; vLLM and OpenRouter say more of them than OpenAI does. @param url with its version */
export const listCompatible = async (
  url: string,
  key: string | null,
  signal: AbortSignal,
): Promise<ModelListing[]> => {
  const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
  const models = await getList(`${url.replace(/\/+$/, '')}/models`, 'data', headers, signal);
  return models.map((model) => {
    const name = textOr(model['id'], '');
    return listing('openai', name, {
      title: textOr(model['name'], name),
      contextWindow: numberOrNull(model['max_model_len']) ?? numberOrNull(model['context_length']),
      maxOutputTokens: numberOrNull(fieldsOf(model['top_provider'])['max_completion_tokens']),
      quality: qualityOfName(name),
    });
  });
};

/** Google's models. @param url with its version */
export const listGoogle = async (url: string, key: string, signal: AbortSignal): Promise<ModelListing[]> => {
  const models = await getList(`${url}/models?pageSize=${PAGE}`, 'models', { 'x-goog-api-key': key }, signal);
  return models.map((model) => {
    const name = textOr(model['name'], '').replace(/^models\//, '');
    return listing('google', name, {
      title: textOr(model['displayName'], name),
      contextWindow: numberOrNull(model['inputTokenLimit']),
      maxOutputTokens: numberOrNull(model['outputTokenLimit']),
      abilities: knownAbilities('google', name),
    });
  });
};

/** Ollama holds every model that writes to a schema; the rest it says itself. */
const ollamaAbilities = (capabilities: readonly string[] | null): readonly Ability[] => {
  if (capabilities === null) return [];
  const words = new Set(capabilities);
  return [
    ...(words.has('completion') ? (['structured_output'] as const) : []),
    ...(words.has('tools') ? (['tools'] as const) : []),
    ...(words.has('vision') ? (['vision'] as const) : []),
    ...(words.has('embedding') ? (['embeddings'] as const) : []),
  ];
};

const describeOllama = async (
  client: ReturnType<typeof createOllamaClient>,
  model: OllamaModel,
  signal: AbortSignal,
): Promise<ModelListing> => {
  const shown = await client.show(model.name, signal);
  return listing('ollama', model.name, {
    contextWindow: shown?.contextLength ?? null,
    abilities: ollamaAbilities(shown?.capabilities ?? null),
    quality: model.sizeBytes === null ? qualityOfName(model.name) : qualityOfWeights(model.sizeBytes),
    sizeBytes: model.sizeBytes,
    parameters: shown?.parameters ?? model.parameters,
    quantization: model.quantization,
  });
};

/** The models on Ollama's disk. @param host as OLLAMA_HOST is spelt */
export const listOllama = async (host: string, signal: AbortSignal): Promise<ModelListing[]> => {
  const client = createOllamaClient(host);
  const models = await client.listModels(signal);
  return Promise.all(models.map((model) => describeOllama(client, model, signal)));
};

/** The local model, as far as its file tells: its size, and the quantization where the file's name ends with it. */
export const listLocal = (name: string, weightsPath: string, contextWindow: number): ModelListing => {
  const { size } = statSync(weightsPath);
  const quantization = /[-.](i?q\d\w*|f16|bf16|f32)\.gguf$/i.exec(basename(weightsPath))?.[1];
  return listing('local', name, {
    contextWindow,
    abilities: ['structured_output'],
    quality: qualityOfWeights(size),
    sizeBytes: size,
    quantization: quantization?.toUpperCase() ?? null,
  });
};
