import { cached } from '../../../platform/cached.ts';
import type { OllamaClient, OllamaModel, OllamaRunning } from '../../../platform/ollama.ts';

const PATIENCE_MS = 2_000;

/** How the Ollama server was when it was last looked at. */
export interface OllamaSeen {
  readonly status: 'healthy' | 'degraded' | 'offline';
  /** Since when it has answered whenever it was looked at, in milliseconds of the epoch; null while offline. */
  readonly answersSince: number | null;
  /** What it has on its disk; empty when it did not say. */
  readonly models: readonly OllamaModel[];
  /** What it has in its memory; null when it did not say. */
  readonly running: readonly OllamaRunning[] | null;
}

export interface OllamaWatch {
  /** How it is, as seen at most five seconds ago. Never throws: a server that can't be asked is offline. */
  look(): Promise<OllamaSeen>;
  /** Makes the next look a new one, after something was changed. */
  lookAnew(): void;
}

const valueOf = <T>(settled: PromiseSettledResult<T>): T | null =>
  settled.status === 'fulfilled' ? settled.value : null;

/** Looks at an Ollama server when somebody asks; nothing is contacted before that. */
export const watchOllama = (client: OllamaClient): OllamaWatch => {
  let answersSince: number | null = null;
  const probe = async (): Promise<OllamaSeen> => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const [version, listed, loaded] = await Promise.allSettled([
      client.version(signal),
      client.listModels(signal),
      client.runningModels(signal),
    ]);
    if (version.status === 'rejected') {
      answersSince = null;
      return { status: 'offline', answersSince, models: [], running: null };
    }
    answersSince ??= Date.now();
    const models = valueOf(listed);
    const running = valueOf(loaded);
    const status = models === null || running === null ? 'degraded' : 'healthy';
    return { status, answersSince, models: models ?? [], running };
  };
  let look = cached(probe);
  return {
    look: () => look(),
    lookAnew: () => {
      look = cached(probe);
    },
  };
};
