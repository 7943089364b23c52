import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toConfig } from '../../platform/config.ts';
import { readEnv, type Env } from '../../platform/env.ts';
import { startResearchDouble, type ResearchDouble } from '../../test/doubles/research-double.ts';
import type { ProviderName } from './provider.ts';
import { createResearch, type Research, type ResearchQuery } from './research.ts';
import { configFor, KEY, memoryLog, never, pageOf, QUERY, resultsAt } from '../../test/harness/research.ts';
import { pagesConformance } from './pages.testsuite.ts';
import { researchConformance } from './research.testsuite.ts';

researchConformance({
  name: 'tavily',
  keyOf: ({ headers }) => headers.authorization?.replace('Bearer ', ''),
  queryOf: ({ body }) => (JSON.parse(body) as { query: string }).query,
  setting: 'TAVILY_API_KEY',
  readsPages: true,
});
researchConformance({
  name: 'brave',
  keyOf: ({ headers }) => headers['x-subscription-token']?.toString(),
  queryOf: ({ url }) => url.searchParams.get('q') ?? '',
  setting: 'BRAVE_SEARCH_API_KEY',
  readsPages: true,
});
researchConformance({
  name: 'searxng',
  keyOf: () => null,
  queryOf: ({ url }) => url.searchParams.get('q') ?? '',
  setting: 'SEARXNG_URL',
  readsPages: true,
});
researchConformance({
  name: 'wikipedia',
  keyOf: () => null,
  queryOf: ({ url }) => url.searchParams.get('gsrsearch') ?? '',
  setting: 'TASKLOOM_WIKIPEDIA_URL',
  readsPages: false,
});

for (const name of ['tavily', 'brave', 'searxng'] as const) pagesConformance(name);

describe('choosing a provider', () => {
  const NOTHING: Partial<Env> = {
    research: undefined,
    tavilyApiKey: undefined,
    braveApiKey: undefined,
    searxngUrl: undefined,
    wikipediaUrl: undefined,
    outgoingAllow: undefined,
  };
  const researchWith = (env: Partial<Env>): Research => {
    const config = toConfig({ ...readEnv(), ...NOTHING, secretKey: 'x'.repeat(32), ...env });
    return createResearch(config, { log: memoryLog().log });
  };
  const chosenIn = (env: Partial<Env>): string | undefined =>
    researchWith(env).providers.find(({ chosen }) => chosen)?.name;

  test('takes the first that is configured, and Wikipedia when none is', () => {
    expect(chosenIn({})).toBe('wikipedia');
    expect(chosenIn({ searxngUrl: 'http://10.0.0.5:8080' })).toBe('searxng');
    expect(chosenIn({ searxngUrl: 'http://10.0.0.5:8080', braveApiKey: KEY })).toBe('brave');
    expect(chosenIn({ braveApiKey: KEY, tavilyApiKey: KEY })).toBe('tavily');
    expect(chosenIn({ research: 'wikipedia', tavilyApiKey: KEY })).toBe('wikipedia');
    expect(chosenIn({ research: 'none', tavilyApiKey: KEY })).toBeUndefined();
  });

  test('says what each one lacks, and repeats no key and no address', () => {
    expect(researchWith({ searxngUrl: 'ftp://user:pass@x' }).providers).toEqual([
      { name: 'tavily', available: false, chosen: false, reason: 'Tavily needs a key: set TAVILY_API_KEY' },
      {
        name: 'brave',
        available: false,
        chosen: false,
        reason: 'Brave Search needs a key: set BRAVE_SEARCH_API_KEY',
      },
      { name: 'searxng', available: false, chosen: false, reason: 'SEARXNG_URL is no http(s) address' },
      { name: 'wikipedia', available: true, chosen: true },
    ]);
  });

  test('that is off, or chosen without its key, is a note and no error', async () => {
    const noteOf = async (env: Partial<Env>) => (await researchWith(env).search(QUERY, never())).note;
    expect(await noteOf({ research: 'none' })).toBe('no sources: research is off');
    expect(await noteOf({ research: 'tavily' })).toBe('no sources: Tavily needs a key: set TAVILY_API_KEY');
    expect(await noteOf({ wikipediaUrl: 'x' })).toBe(
      'no sources: TASKLOOM_WIKIPEDIA_URL is no http(s) address',
    );
  });

  test('with an unknown name, or an exception that is none, stops the start and names the variable', () => {
    expect(() => researchWith({ research: 'google' })).toThrow(
      /TASKLOOM_RESEARCH must be one of auto, none, tavily/,
    );
    expect(() => researchWith({ outgoingAllow: ['http://x'] })).toThrow(/TASKLOOM_OUTGOING_ALLOW/);
  });
});

describe('what a vendor has of its own', () => {
  let double: ResearchDouble;
  const open = async (name: ProviderName): Promise<Research> => {
    double = await startResearchDouble(name);
    return createResearch(configFor(name, double.url), { log: memoryLog().log });
  };
  const search = async (name: ProviderName, query: Partial<ResearchQuery> = {}) =>
    (await open(name)).search({ ...QUERY, ...query }, never());
  beforeEach(() => expect.hasAssertions());
  afterEach(() => double.close());

  test('Tavily brings the text of pages along, so they are not fetched', async () => {
    const research = await open('tavily');
    const text = 'Menu\nRepotting a houseplant every spring gives its roots new soil.';
    double.find(resultsAt(double.url, 1).map((result) => ({ ...result, text })));
    const { sources } = await research.search(QUERY, never());
    expect(sources[0]?.passages).toEqual(['Repotting a houseplant every spring gives its roots new soil.']);
    expect(double.pagesRead).toEqual([]);
    expect(JSON.parse(double.searches[0]?.body ?? '')).toEqual({
      query: 'How to repot a houseplant potting soil',
      search_depth: 'basic',
      topic: 'general',
      max_results: 9,
      include_raw_content: 'text',
      include_answer: false,
    });
    await research.search({ ...QUERY, depth: 'deep', kinds: ['news'] }, never());
    expect(JSON.parse(double.searches[1]?.body ?? '')).toMatchObject({
      search_depth: 'advanced',
      topic: 'news',
    });
  });

  test('Brave has news in a list of their own', async () => {
    const research = await open('brave');
    double.find(resultsAt(double.url, 1));
    double.page('/pages/1', pageOf(''));
    const { sources } = await research.search({ ...QUERY, kinds: ['news'] }, never());
    expect(double.searches[0]?.url.searchParams.get('result_filter')).toBe('news');
    expect(sources[0]?.passages[0]).toBe("Number 1 says that a houseplant's roots want fresh soil");
    await research.search({ ...QUERY, kinds: ['news', 'blogs'] }, never());
    expect(double.searches[1]?.url.searchParams.get('result_filter')).toBe('web,news');
  });

  test('Brave says how long to wait in headers of its own', async () => {
    const research = await open('brave');
    double.find(resultsAt(double.url, 3));
    const headers = (remaining: string) => ({
      'x-ratelimit-remaining': remaining,
      'x-ratelimit-reset': '1, 1419704',
    });
    double.next({ kind: 'too many', headers: headers('0, 120') });
    expect((await research.search({ ...QUERY, depth: 'shallow' }, never())).sources).toHaveLength(3);
    double.next({ kind: 'too many', headers: headers('0, 0') });
    expect((await research.search(QUERY, never())).note).toMatch(/HTTP 429/);
    expect(double.searches).toHaveLength(3);
  });

  test('SearXNG is asked by category, without its own commands, and may stand behind a password', async () => {
    double = await startResearchDouble('searxng');
    const config = configFor('searxng', double.url);
    config.research.searxng.baseUrl = `${double.url.replace('//', '//someone:p%40ss@')}/`;
    const research = createResearch(config, { log: memoryLog().log });
    await research.search(
      { topic: '!!g :fr pots! and soil', keyword: null, depth: 'shallow', kinds: ['academic', 'blogs'] },
      never(),
    );
    const [call] = double.searches;
    expect(Object.fromEntries(call?.url.searchParams ?? [])).toEqual({
      q: 'g fr pots! and soil',
      format: 'json',
      categories: 'science,general',
      pageno: '1',
    });
    expect(call?.headers.authorization).toBe(`Basic ${Buffer.from('someone:p@ss').toString('base64')}`);
  });

  test('SearXNG whose search engines are all silent has not found nothing', async () => {
    const research = await open('searxng');
    double.next({
      kind: 'text',
      text: JSON.stringify({ results: [], unresponsive_engines: [['google', 'timeout']] }),
    });
    expect((await research.search(QUERY, never())).note).toBe(
      'no sources: the search engines behind searxng did not answer',
    );
  });

  test('Wikipedia is asked for all words, then for the keyword, then for any word', async () => {
    await search('wikipedia');
    expect(double.searches.map(({ url }) => url.searchParams.get('gsrsearch'))).toEqual([
      'repot houseplant potting soil',
      'potting soil',
      'repot OR houseplant OR potting OR soil',
    ]);
  });

  test('Wikipedia’s pages that only tell names apart are no sources', async () => {
    const research = await open('wikipedia');
    const page = {
      ns: 0,
      extract: 'Soil may refer to a great many things in the world.',
      fullurl: 'https://en.wikipedia.org/wiki/Soil',
    };
    const pages = [
      { ...page, pageid: 1, index: 1, title: 'Soil (disambiguation)', pageprops: { disambiguation: '' } },
      { ...page, pageid: 2, index: 2, title: 'Soil' },
    ];
    double.next({ kind: 'text', text: JSON.stringify({ query: { pages } }) });
    const { sources } = await research.search({ ...QUERY, depth: 'shallow' }, never());
    expect(sources.map(({ title }) => title)).toEqual(['Soil']);
  });

  test('Wikipedia that gives no whole texts has its introductions', async () => {
    const research = await open('wikipedia');
    const results = resultsAt(double.url, 3).map((result) => ({
      ...result,
      text: 'Soil and roots and pots, each of them more than once.',
    }));
    double.find(results);
    const searching = research.search({ ...QUERY, depth: 'moderate' }, never());
    await double.searched(1);
    double.next({ kind: 'status', status: 500 });
    const { sources, note } = await searching;
    expect({ count: sources.length, note, asked: double.searches.length }).toEqual({
      count: 3,
      note: null,
      asked: 2,
    });
  });
});
