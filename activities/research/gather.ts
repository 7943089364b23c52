import { choosePassages, snippetPassages } from '../../domain/research/passages.ts';
import { plainLine, shortened, type Source } from '../../domain/research/source.ts';
import { OutgoingRefused, type Outgoing } from '../../platform/outgoing.ts';
import { readPage } from './pages.ts';
import type { Depth, Hit, Provider } from './provider.ts';
import type { Readable } from './readable.ts';
import { isoTime } from './shape.ts';

const PASSAGES: Readonly<Record<Depth, number>> = { shallow: 2, moderate: 3, deep: 4 };
const MAX_TITLE_CHARS = 300;
const MAX_URL_CHARS = 2_000;

export interface ResearchLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface Gathering {
  readonly provider: Provider;
  readonly words: readonly string[];
  readonly depth: Depth;
  /** How many sources are enough. */
  readonly wanted: number;
  readonly pages: Outgoing;
  readonly pageTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly log: ResearchLog;
}

export interface Gathered {
  readonly sources: Source[];
  /** Results whose addresses may not be called. */
  readonly leftOut: number;
}

type Candidate = Hit & { readonly host: string };
/** A source without its number, null for a hit that says nothing, or a hit that must not be called. */
type Taken = Omit<Source, 'n'> | null | 'left out';

/** A page's address in one form; undefined for what is none. */
const addressOf = (text: string): URL | undefined => {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.href.length > MAX_URL_CHARS) return undefined;
  url.hash = '';
  return url;
};

/** Hits with an address that may be called, each page once. What the operator's own server answers for is trusted. */
const usable = (
  hits: readonly Hit[],
  { provider, pages }: Gathering,
): { usable: Candidate[]; leftOut: number } => {
  const found = new Map<string, Candidate>();
  const refused = new Set<string>();
  const { origin } = new URL(provider.baseUrl);
  for (const hit of hits) {
    const url = addressOf(hit.url);
    if (!url) continue;
    const { href } = url;
    if ((url.origin === origin && url.username === '') || pages.mayCall(href)) {
      if (!found.has(href)) found.set(href, { ...hit, url: href, host: url.hostname.replace(/^www\./, '') });
    } else refused.add(href);
  }
  return { usable: [...found.values()], leftOut: refused.size };
};

const passagesOf = (hit: Hit, page: Readable | null, { words, depth }: Gathering): string[] => {
  const max = PASSAGES[depth];
  const text = page?.text ?? hit.text;
  const chosen = text === null ? [] : choosePassages(text, words, max);
  return chosen.length > 0 ? chosen : snippetPassages(hit.snippets, max);
};

const toSource = (hit: Candidate, page: Readable | null, gathering: Gathering): Taken => {
  const passages = passagesOf(hit, page, gathering);
  if (passages.length === 0) return null;
  return {
    url: hit.url,
    title: shortened(plainLine(hit.title || page?.title || ''), MAX_TITLE_CHARS) || hit.host,
    publisher: shortened(plainLine(hit.publisher ?? page?.publisher ?? ''), MAX_TITLE_CHARS) || hit.host,
    publishedAt: isoTime(hit.published) ?? page?.publishedAt ?? null,
    passages,
    provider: gathering.provider.name,
    fetchedAt: new Date().toISOString(),
  };
};

/** A page that can't be read leaves what the search engine showed of it. */
const take = async (hit: Candidate, gathering: Gathering): Promise<Taken> => {
  const { pages, depth, pageTimeoutMs: timeoutMs, signal, log } = gathering;
  if (hit.text !== null || depth === 'shallow') return toSource(hit, null, gathering);
  try {
    return toSource(hit, await readPage(pages, hit.url, { signal, timeoutMs }), gathering);
  } catch (error) {
    const code = error instanceof OutgoingRefused ? error.code : 'aborted';
    if (!(error instanceof OutgoingRefused) && !signal.aborted) throw error;
    log.info({ host: hit.host, code }, 'page of a source not read');
    return code === 'blocked_address' ? 'left out' : toSource(hit, null, gathering);
  }
};

/** Makes sources of the best hits; a hit that turns out to be of no use is replaced by the next one. */
export const gather = async (hits: readonly Hit[], gathering: Gathering): Promise<Gathered> => {
  const { usable: candidates, leftOut } = usable(hits, gathering);
  const taken: Taken[] = [];
  const sources = () => taken.filter((one): one is Omit<Source, 'n'> => one !== null && one !== 'left out');
  while (taken.length < candidates.length && sources().length < gathering.wanted) {
    const next = candidates.slice(taken.length, taken.length + gathering.wanted - sources().length);
    taken.push(...(await Promise.all(next.map((hit) => take(hit, gathering)))));
  }
  return {
    sources: sources().map((source, at) => ({ n: at + 1, ...source })),
    leftOut: leftOut + taken.filter((one) => one === 'left out').length,
  };
};
