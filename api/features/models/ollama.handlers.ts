import type { OllamaClient, OllamaRunning } from '../../../platform/ollama.ts';
import { cached } from '../../../platform/cached.ts';
import { countCallsLastMinute } from '../../../store/models/load.ts';
import type { Store } from '../../../store/store.ts';
import { defineHandlers } from '../../http/operation.ts';
import { watchOllama, type OllamaSeen } from './ollama.ts';
import { createWarmups } from './warmup.ts';

export interface OllamaDeps {
  readonly store: Store;
  readonly ollama: OllamaClient;
}

const SECONDS = 60;

/** Bytes of all models in its memory, on whatever card or board; null when it did not say. */
const memoryOf = ({ running }: OllamaSeen): number | null =>
  running?.reduce((sum, { sizeBytes, vramBytes }) => sum + (sizeBytes ?? vramBytes ?? 0), 0) ?? null;

const expiryMs = ({ expiresAt }: OllamaRunning): number => Date.parse(expiresAt ?? '') || 0;

/** Each use puts off when a model is unloaded: the one that expires last was used last. */
const lastUsed = ({ running }: OllamaSeen): string | null =>
  running?.toSorted((a, b) => expiryMs(b) - expiryMs(a))[0]?.name ?? null;

export const ollamaHandlers = ({ store, ollama }: OllamaDeps) => {
  const watch = watchOllama(ollama);
  const warmUp = createWarmups(ollama, watch);
  const calls = cached(() => countCallsLastMinute(store, 'ollama'));
  return defineHandlers({
    getOllamaHealth: async () => {
      const seen = await watch.look();
      return {
        status: seen.status,
        uptime: seen.answersSince === null ? null : Math.round((Date.now() - seen.answersSince) / 1_000),
        memory_usage: memoryOf(seen),
      };
    },
    listOllamaModels: async () => {
      const { models, status } = await watch.look();
      return {
        models: models.map(({ name, parameterSize, parameters, quantization, sizeBytes }) => ({
          name,
          size: parameterSize?.toLowerCase() ?? null,
          parameters,
          quantization,
          size_bytes: sizeBytes,
        })),
        status,
      };
    },
    getOllamaStatus: async () => {
      const [seen, n] = await Promise.all([watch.look(), calls()]);
      return {
        active_model: lastUsed(seen),
        memory_allocated: memoryOf(seen),
        requests_per_second: Math.round((n / SECONDS) * 1_000) / 1_000,
        status: seen.status,
      };
    },
    warmUpOllamaModel: async ({ body }) => {
      const { model, status } = await warmUp(body.model);
      return { model, status, progress: status === 'warming' ? (0 as const) : (100 as const) };
    },
  });
};
