import { conflict, DomainError, notFound } from '../../../domain/errors.ts';
import type { OllamaClient } from '../../../platform/ollama.ts';
import type { OllamaSeen, OllamaWatch } from './ollama.ts';

/** A load that takes longer goes on without the one who asked for it. */
const WAIT_MS = 2_000;

export interface Warmup {
  readonly model: string;
  /** `loaded`: by this call; `ready`: it was in memory already. */
  readonly status: 'warming' | 'loaded' | 'ready';
}

const away = (code: string, message: string): DomainError => new DomainError('unavailable', code, message);

/** Ollama's own name of a model that it holds. @throws DomainError not_found. */
const heldName = ({ models }: OllamaSeen, name: string): string => {
  const held = models.find((model) => model.name === name || model.name === `${name}:latest`);
  if (!held) throw notFound('model on the Ollama server called', name);
  return held.name;
};

const late = (ms: number): Promise<'late'> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms, 'late' as const).unref();
  });

/**
 * Loads models for anybody who asks, within bounds: only what the server holds, and one at a time, because each load may push
 * another model out of its memory.
 */
export const createWarmups = (client: OllamaClient, watch: OllamaWatch, waitMs = WAIT_MS) => {
  let underWay: { readonly name: string; readonly done: Promise<boolean> } | undefined;

  /** @returns whether it was loaded. */
  const load = async (name: string): Promise<boolean> => {
    try {
      await client.warmUp(name);
      return true;
    } catch {
      return false;
    } finally {
      underWay = undefined;
      watch.lookAnew();
    }
  };

  /** @throws DomainError not_found, conflict `warmup_under_way`, unavailable `ollama_offline` or `model_not_loaded`. */
  return async (asked: string): Promise<Warmup> => {
    const seen = await watch.look();
    if (seen.status === 'offline') throw away('ollama_offline', 'The Ollama server does not answer.');
    const model = heldName(seen, asked);
    if (underWay?.name === model) return { model, status: 'warming' };
    if (seen.running?.some(({ name }) => name === model)) return { model, status: 'ready' };
    if (underWay)
      throw conflict('warmup_under_way', `${underWay.name} is being loaded: try again when it is ready.`);
    underWay = { name: model, done: load(model) };
    const loaded = await Promise.race([underWay.done, late(waitMs)]);
    if (loaded === 'late') return { model, status: 'warming' };
    if (loaded) return { model, status: 'loaded' };
    throw away('model_not_loaded', `The Ollama server could not load ${model}.`);
  };
};
