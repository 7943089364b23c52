import { topicWords } from '../../domain/research/passages.ts';
import { plainLine, shortened, type Source } from '../../domain/research/source.ts';
import { RESEARCH_PROVIDERS, type Config } from '../../platform/config.ts';
import { createOutgoing } from '../../platform/outgoing.ts';
import { chosenResearch, researchObstacle, type ResearchSettings } from '../../platform/research.ts';
import { createAsk, ResearchFailure } from './call.ts';
import { gather, type ResearchLog } from './gather.ts';
import type { Depth, Provider, ProviderName, SourceKind, Want } from './provider.ts';
import { brave } from './providers/brave.ts';
import { searxng } from './providers/searxng.ts';
import { tavily } from './providers/tavily.ts';
import { wikipedia } from './providers/wikipedia.ts';

export interface ResearchQuery {
  readonly topic: string;
  readonly keyword: string | null;
  readonly depth: Depth;
  readonly kinds?: readonly SourceKind[];
}

export interface Findings {
  readonly sources: Source[];
  /** Why there are none ("no sources: …"), or what was left out; for people. */
  readonly note: string | null;
}

export interface ResearchStatus {
  readonly name: ProviderName;
  readonly available: boolean;
  /** Whether searches go to this one. */
  readonly chosen: boolean;
  /** What to change; there when not available. */
  readonly reason?: string;
}

export interface Research {
  readonly providers: readonly ResearchStatus[];
  /**
   * Looks for sources: 3, 5 or 10 by depth, within 30 s. What the outside world does wrong becomes a note.
   * @throws the signal's reason when aborted.
   */
  search(query: ResearchQuery, signal: AbortSignal): Promise<Findings>;
}

export interface ResearchLimits {
  readonly totalMs: number;
  readonly requestMs: number;
  readonly pageMs: number;
}

export type ResearchConfig = ResearchSettings & Pick<Config, 'outgoing'>;

const LIMITS: ResearchLimits = { totalMs: 30_000, requestMs: 12_000, pageMs: 8_000 };
const WANTED: Readonly<Record<Depth, number>> = { shallow: 3, moderate: 5, deep: 10 };
/** Hits beyond those wanted, for some are of no use. */
const SPARE = 4;
const MAX_QUERY_CHARS = 280;

const nothing = (why: string): Findings => ({ sources: [], note: `no sources: ${why}` });

const open = (name: ProviderName, { research }: ResearchConfig): Provider => {
  if (name === 'tavily') return tavily({ ...research.tavily, apiKey: research.tavily.apiKey ?? '' });
  if (name === 'brave') return brave({ ...research.brave, apiKey: research.brave.apiKey ?? '' });
  if (name === 'searxng') return searxng({ baseUrl: research.searxng.baseUrl ?? '' });
  return wikipedia(research.wikipedia);
};

const wantOf = ({ topic, keyword, depth, kinds = [] }: ResearchQuery): Want => {
  const isSaid = keyword === null || topic.toLowerCase().includes(keyword.toLowerCase());
  const words = plainLine(isSaid ? topic : `${topic} ${keyword}`).split(' ');
  return {
    query: shortened(words.slice(0, 40).join(' '), MAX_QUERY_CHARS),
    words: topicWords(topic, keyword),
    keyword,
    depth,
    kinds,
    wanted: WANTED[depth],
    count: WANTED[depth] + SPARE,
  };
};

const leftOutNote = (count: number): string =>
  count === 1
    ? '1 result was left out: its address is not public'
    : `${count} results were left out: their addresses are not public`;

/** The research of this process, from its configuration. Nothing is contacted before the first search. */
export const createResearch = (
  config: ResearchConfig,
  { log, limits = LIMITS }: { log: ResearchLog; limits?: ResearchLimits },
): Research => {
  const chosen = chosenResearch(config);
  const pages = createOutgoing({ allow: config.outgoing.allow });

  const find = async (name: ProviderName, query: ResearchQuery, signal: AbortSignal): Promise<Findings> => {
    const provider = open(name, config);
    const want = wantOf(query);
    const hits = await provider.search(want, createAsk(provider, signal, limits.requestMs));
    const { sources, leftOut } = await gather(hits, {
      provider,
      words: want.words,
      depth: query.depth,
      wanted: WANTED[query.depth],
      pages,
      pageTimeoutMs: limits.pageMs,
      signal,
      log,
    });
    if (leftOut > 0) log.warn({ provider: name, leftOut }, 'results with addresses that are not public');
    const note = leftOut > 0 ? leftOutNote(leftOut) : null;
    if (sources.length === 0) return nothing(note ?? 'nothing found');
    return { sources, note };
  };

  return {
    providers: RESEARCH_PROVIDERS.map((name) => {
      const reason = researchObstacle(name, config);
      return {
        name,
        available: reason === null,
        chosen: name === chosen,
        ...(reason === null ? {} : { reason }),
      };
    }),
    search: async (query, signal) => {
      signal.throwIfAborted();
      if (chosen === null) return nothing('research is off');
      const reason = researchObstacle(chosen, config);
      if (reason !== null) return nothing(reason);
      const deadline = AbortSignal.timeout(limits.totalMs);
      try {
        const findings = await find(chosen, query, AbortSignal.any([signal, deadline]));
        signal.throwIfAborted();
        return findings;
      } catch (error) {
        signal.throwIfAborted();
        const why =
          deadline.aborted && !(error instanceof ResearchFailure) ? `${chosen} took too long` : null;
        if (why === null && !(error instanceof ResearchFailure)) throw error;
        const findings = nothing(why ?? (error as Error).message);
        log.info({ provider: chosen, note: findings.note }, 'research found nothing');
        return findings;
      }
    },
  };
};
