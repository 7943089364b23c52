import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { plainLine } from '../../domain/research/source.ts';
import {
  startResearchDouble,
  type ResearchCall,
  type ResearchDouble,
} from '../../test/doubles/research-double.ts';
import {
  configFor,
  KEY,
  memoryLog,
  never,
  pageOf,
  QUERY,
  resultsAt,
  TEXT,
} from '../../test/harness/research.ts';
import type { ProviderName } from './provider.ts';
import {
  createResearch,
  type Findings,
  type Research,
  type ResearchLimits,
  type ResearchQuery,
} from './research.ts';

const NOT_PUBLIC = [
  'http://10.0.0.1/',
  'http://169.254.169.254/latest',
  'http://[::1]/',
  'http://localhost/x',
  'http://a:b@example.com/',
];

interface Subject {
  readonly name: ProviderName;
  /** Where the key travels; null where there is none. */
  readonly keyOf: (call: ResearchCall) => string | undefined | null;
  /** What was searched for. */
  readonly queryOf: (call: ResearchCall) => string;
  /** The setting that a refusal names. */
  readonly setting: string;
  /** Whether the provider leaves the text of pages to us. */
  readonly readsPages: boolean;
}

/** What every provider of research has to do, observed at the vendor's end of the wire. */
export const researchConformance = ({ name, keyOf, queryOf, setting, readsPages }: Subject): void => {
  let double: ResearchDouble;
  let log: ReturnType<typeof memoryLog>;

  const research = (limits?: Partial<ResearchLimits>): Research => {
    const all = { totalMs: 20_000, requestMs: 10_000, pageMs: 5_000, ...limits };
    return createResearch(configFor(name, double.url), { log: log.log, limits: all });
  };
  const search = (query: Partial<ResearchQuery> = {}, limits?: Partial<ResearchLimits>): Promise<Findings> =>
    research(limits).search({ ...QUERY, ...query }, never());
  const findPages = (count: number): void => {
    double.find(
      resultsAt(double.url, count).map((result) => ({ ...result, ...(readsPages ? {} : { text: TEXT }) })),
    );
    for (let at = 1; at <= count; at += 1) double.page(`/pages/${at}`, pageOf(TEXT));
  };

  beforeEach(async () => {
    double = await startResearchDouble(name);
    log = memoryLog();
  });
  afterEach(async () => {
    expect(log.lines.join('\n')).not.toContain(KEY);
    await double.close();
  });

  describe(`${name}: a provider of research`, () => {
    test('finds sources with passages that stand in them word for word', async () => {
      findPages(6);
      const { sources, note } = await search();
      expect(note).toBeNull();
      expect(sources.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
      expect(sources[0]).toMatchObject({
        url: `${double.url}/pages/1`,
        title: 'Houseplants & pots 1',
        publisher: expect.any(String),
        provider: name,
        fetchedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      });
      for (const { passages } of sources) {
        expect(passages.length).toBeGreaterThan(0);
        for (const passage of passages) {
          expect(passage.length).toBeLessThanOrEqual(600);
          expect(
            `${resultsAt('', 6)
              .map(({ snippet }) => snippet)
              .join(' ')} ${plainLine(TEXT)}`,
          ).toContain(passage);
        }
      }
      expect(sources[0]?.passages.join()).toContain('fresh potting soil');
    });

    test('says who asks, with the key where there is one, for what the brief is about', async () => {
      findPages(5);
      await search();
      const [call] = double.searches;
      expect(call?.headers['user-agent']).toMatch(/^Taskloom\/\d/);
      if (!call) throw new Error('nothing was asked');
      expect(queryOf(call).toLowerCase()).toMatch(/repot.*houseplant/);
      expect(keyOf(call)).toBe(keyOf(call) === null ? null : KEY);
    });

    test.each([
      ['shallow', 3],
      ['moderate', 5],
      ['deep', 10],
    ] as const)('finds as many as a %s search wants', async (depth, count) => {
      findPages(14);
      const { sources } = await search({ depth });
      expect(sources).toHaveLength(count);
      const extracts = double.searches.length - 1;
      expect(double.pagesRead.length + extracts).toBe(
        depth === 'shallow' || (!readsPages && extracts === 0) ? 0 : count,
      );
    });

    test('says that nothing was found', async () => {
      expect(await search()).toEqual({ sources: [], note: 'no sources: nothing found' });
    });

    test.each([{ kind: 'unauthorized' }, { kind: 'status', status: 401 }] as const)(
      'names the setting when it is refused: %j',
      async (answer) => {
        double.next(answer);
        const { sources, note } = await search();
        expect(sources).toEqual([]);
        expect(note).toMatch(
          new RegExp(`^no sources: ${name} refused the request \\(HTTP 40[13]\\): check ${setting}`),
        );
        expect(note).not.toContain(KEY);
      },
    );

    test('waits once where it is asked for a short while', async () => {
      findPages(5);
      double.next({ kind: 'too many', headers: { 'retry-after': '1' } });
      expect((await search({ depth: 'shallow' })).sources).toHaveLength(3);
      expect(double.searches).toHaveLength(2);
      for (let time = 0; time < 2; time += 1)
        double.next({ kind: 'too many', headers: { 'retry-after': '1' } });
      expect((await search()).note).toBe(`no sources: ${name} takes no more requests for now (HTTP 429)`);
      expect(double.searches).toHaveLength(4);
    });

    test.each([{}, { headers: { 'retry-after': '60' } }])('does not wait otherwise: %j', async (headers) => {
      double.next({ kind: 'too many', ...headers });
      expect((await search()).note).toBe(`no sources: ${name} takes no more requests for now (HTTP 429)`);
      expect(double.searches).toHaveLength(1);
    });

    test('turns every other failure of the vendor into a note', async () => {
      const noteAfter = async (answer: Parameters<ResearchDouble['next']>[0]) => {
        double.next(answer);
        return (await search()).note;
      };
      expect(await noteAfter({ kind: 'status', status: 500 })).toBe(`no sources: ${name} failed (HTTP 500)`);
      const strange = `no sources: ${name} answered with something else than results`;
      for (const text of ['<html>', '', '[]', 'null', '{"results":'])
        expect(await noteAfter({ kind: 'text', text })).toBe(strange);
      for (const text of [
        '{}',
        '{"results":null,"web":7,"query":{"pages":"x"}}',
        '{"results":[1,null,{}],"web":{"results":[{}]},"query":{"pages":[{}]}}',
      ])
        expect(await noteAfter({ kind: 'text', text })).toBe('no sources: nothing found');
      expect(await noteAfter({ kind: 'cut' })).toBe(`no sources: ${name} broke off its answer`);
      const long = JSON.stringify({ filling: 'x'.repeat(9_000_000) });
      expect(await noteAfter({ kind: 'text', text: long })).toMatch(/^no sources: \w+ answered .*too_large/);
    });

    test('says offline when nobody is there, soon', async () => {
      const offline = research();
      await double.close();
      const began = performance.now();
      const findings = await offline.search(QUERY, never());
      expect(findings).toEqual({ sources: [], note: 'no sources: offline' });
      expect(performance.now() - began).toBeLessThan(5_000);
      double = await startResearchDouble(name);
    });

    test('is limited in time', async () => {
      for (const limits of [{ requestMs: 100 }, { totalMs: 100 }]) {
        double.next({ kind: 'hang' });
        expect((await search({}, limits)).note).toBe(`no sources: ${name} took too long`);
      }
    });

    test('stops with the run, and the vendor sees it', async () => {
      double.next({ kind: 'hang' });
      const stop = new AbortController();
      const reason = new Error('cancelled');
      const call = research().search(QUERY, stop.signal);
      const { closed } = await double.searched(1);
      stop.abort(reason);
      await expect(call).rejects.toBe(reason);
      await closed;
      await expect(research().search(QUERY, stop.signal)).rejects.toBe(reason);
      expect(double.searches).toHaveLength(1);
    });

    test('leaves out addresses that are not public, and says so', async () => {
      findPages(2);
      const good = resultsAt(double.url, 2).map((result) => ({
        ...result,
        ...(readsPages ? {} : { text: TEXT }),
      }));
      const bad = NOT_PUBLIC.map((url, at) => ({ ...resultsAt('', at + 1)[at]!, url }));
      double.find([...bad, ...good]);
      const { sources, note } = await search({ depth: 'deep' });
      expect(sources.map(({ url }) => url)).toEqual(good.map(({ url }) => url));
      expect(note).toBe('5 results were left out: their addresses are not public');
      expect(log.lines.join()).toContain('not public');
      double.find(bad.slice(0, 1));
      expect((await search()).note).toBe('no sources: 1 result was left out: its address is not public');
    });

    test('takes a page once, and no address that is none', async () => {
      const [result] = resultsAt(double.url, 1);
      if (!result) throw new Error('no result');
      double.page('/pages/1', pageOf(TEXT));
      const others = [`${result.url}#part`, 'ftp://example.com/', 'nonsense', ''].map((url) => ({
        ...result,
        url,
      }));
      double.find([result, ...others]);
      const { sources, note } = await search({ depth: 'shallow' });
      expect({ count: sources.length, note }).toEqual({ count: 1, note: null });
    });

    test('gives texts that any store takes', async () => {
      const [result] = resultsAt(double.url, 1);
      if (!result) throw new Error('no result');
      const odd = `\u0000${result.snippet}\ud800 \u202eabc\n\n<b>`;
      double.find([
        { ...result, title: `${odd} ${'x'.repeat(1000)}`, snippet: odd, published: 'the day before' },
      ]);
      const { sources } = await search({ depth: 'shallow' });
      expect(sources).toHaveLength(1);
      const text = JSON.stringify(sources);
      expect(text.isWellFormed() && !/\\u0000|\\ud800|\\n/i.test(text)).toBe(true);
      expect(sources[0]?.title.length).toBeLessThanOrEqual(300);
      expect(sources[0]?.publishedAt).toBeNull();
    });
  });
};
