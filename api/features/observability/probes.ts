import { cached } from '../../../platform/cached.ts';

/** What a probe found. `latencyMs` is `null` when there was no answer. */
export interface Probed {
  readonly name: string;
  readonly needed: boolean;
  readonly healthy: boolean;
  readonly latencyMs: number | null;
  readonly detail?: string;
}

export interface Probe {
  readonly name: string;
  /** Without it the API can't answer; the others only delay what it promised. */
  readonly needed: boolean;
  /** Resolves when the part answers; the text says more about it. */
  readonly look: () => Promise<string | undefined>;
}

const TIMEOUT_MS = 2_000;

const run = async ({ name, needed, look }: Probe): Promise<Probed> => {
  const begin = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  });
  try {
    const detail = await Promise.race([look(), late]);
    return {
      name,
      needed,
      healthy: true,
      latencyMs: Math.round((performance.now() - begin) * 10) / 10,
      ...(detail ? { detail } : {}),
    };
  } catch (error) {
    return {
      name,
      needed,
      healthy: false,
      latencyMs: null,
      detail: error instanceof Error ? error.message.slice(0, 300) : String(error),
    };
  } finally {
    clearTimeout(timer);
  }
};

/** Runs all probes at once; cheap to ask often, because an answer is kept for five seconds. */
export const createProbes = (probes: readonly Probe[]): (() => Promise<Probed[]>) =>
  cached(() => Promise.all(probes.map(run)));

/** Unhealthy when a needed part is away, degraded when another is. */
export const overall = (probed: readonly Probed[]): 'healthy' | 'degraded' | 'unhealthy' => {
  const away = probed.filter(({ healthy }) => !healthy);
  if (away.some(({ needed }) => needed)) return 'unhealthy';
  return away.length > 0 ? 'degraded' : 'healthy';
};
