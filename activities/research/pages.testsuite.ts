import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startResearchDouble, type ResearchDouble } from '../../test/doubles/research-double.ts';
import type { DoubleResult } from '../../test/doubles/research-wire.ts';
import { closeAll, serve } from '../../test/harness/loopback.ts';
import { configFor, memoryLog, never, pageOf, QUERY, resultsAt, TEXT } from '../../test/harness/research.ts';
import type { ProviderName } from './provider.ts';
import { createResearch, type Findings, type Research, type ResearchLimits } from './research.ts';

/** What every provider does with the pages behind its results, where it leaves them to us. */
export const pagesConformance = (name: ProviderName): void => {
  let double: ResearchDouble;

  const research = (limits?: Partial<ResearchLimits>): Research =>
    createResearch(configFor(name, double.url), {
      log: memoryLog().log,
      limits: { totalMs: 20_000, requestMs: 10_000, pageMs: 5_000, ...limits },
    });
  const search = (limits?: Partial<ResearchLimits>): Promise<Findings> =>
    research(limits).search(QUERY, never());
  const findPages = (count: number): void => {
    double.find(resultsAt(double.url, count));
    for (let at = 1; at <= count; at += 1) double.page(`/pages/${at}`, pageOf(TEXT));
  };

  beforeEach(async () => {
    double = await startResearchDouble(name);
  });
  afterEach(async () => {
    await double.close();
    await closeAll();
  });

  describe(`${name}: pages behind results`, () => {
    const one = (changes: Partial<DoubleResult> = {}): void =>
      double.find(resultsAt(double.url, 1).map((result) => ({ ...result, ...changes })));
    const SNIPPET = "Number 1 says that a houseplant's roots want fresh soil";

    test('are read without their menus and scripts', async () => {
      one();
      double.page('/pages/1', pageOf(TEXT));
      const [source] = (await search()).sources;
      expect(source).toMatchObject({
        passages: TEXT.split('\n').slice(0, 3),
        publishedAt: '2026-01-05T10:00:00.000Z',
      });
      expect(JSON.stringify(source)).not.toMatch(/newsletter|Home\.|var soil/);
    });

    test('that are huge are read at their beginning', async () => {
      one();
      double.page(
        '/pages/1',
        pageOf(`${TEXT}\n${`${'Soil and more soil in it. '.repeat(20)}\n`.repeat(10_000)}`),
      );
      const [source] = (await search()).sources;
      expect(source?.passages).toContain(TEXT.split('\n')[0]);
    });

    test.each<[string, Parameters<ResearchDouble['page']>[1]]>([
      ['without text', '<html><body><div id="app"></div><script>load()</script></body></html>'],
      [
        'about something else',
        pageOf('Our cookies remember what you bought, and when, and for whom you bought it.'),
      ],
      [
        'that are no HTML',
        (_request, response) =>
          void response.writeHead(200, { 'content-type': 'application/pdf' }).end('%PDF'),
      ],
      [
        'that are gone',
        (_request, response) =>
          void response.writeHead(404, { 'content-type': 'text/html' }).end(pageOf(TEXT)),
      ],
      [
        'that break off',
        (_request, response) =>
          void response.writeHead(200, { 'content-length': '9' }).write('<p>', () => response.destroy()),
      ],
    ])('%s leave what the search showed', async (_name, page) => {
      one();
      double.page('/pages/1', page);
      const { sources, note } = await search();
      expect(sources.map(({ passages }) => passages[0])).toEqual([SNIPPET]);
      expect(note).toBeNull();
    });

    test('that say nothing at all give way to the next result', async () => {
      findPages(7);
      double.find(
        resultsAt(double.url, 7).map((result, at) => (at < 2 ? { ...result, snippet: '' } : result)),
      );
      for (const path of ['/pages/1', '/pages/2']) double.page(path, '<html></html>');
      const { sources } = await search();
      expect(sources.map(({ n, url }) => [n, url.split('/').at(-1)])).toEqual(
        [3, 4, 5, 6, 7].map((page, at) => [at + 1, String(page)]),
      );
    });

    test('that are slow do not hold up the others', async () => {
      findPages(2);
      double.page('/pages/1', () => {});
      const { sources } = await search({ pageMs: 700 });
      expect(sources.map(({ passages }) => passages[0])).toEqual([SNIPPET, TEXT.split('\n')[0]]);
      const { sources: late } = await search({ totalMs: 1_500 });
      expect(late.map(({ passages }) => passages[0])).toEqual([SNIPPET, TEXT.split('\n')[0]]);
    });

    test('that lead to addresses which are not public are not followed there', async () => {
      const secret = await serve((_request, response) => void response.end(pageOf(TEXT)));
      const address = `http://${secret.at}/`;
      double.page(
        '/pages/1',
        (_request, response) => void response.writeHead(302, { location: address }).end(),
      );
      const [redirecting, direct] = resultsAt(double.url, 2);
      double.find([redirecting!, { ...direct!, url: address }]);
      const { sources, note } = await search();
      expect(sources).toEqual([]);
      expect(note).toBe('no sources: 2 results were left out: their addresses are not public');
      expect(secret.seen).toEqual([]);
      expect(double.pagesRead).toEqual(['/pages/1']);
    });

    test('end with the run', async () => {
      one();
      const stop = new AbortController();
      const reason = new Error('cancelled');
      let left = (): void => {};
      const closed = new Promise<void>((resolve) => (left = resolve));
      double.page('/pages/1', (_request, response) => {
        response.once('close', left);
        setImmediate(() => stop.abort(reason));
      });
      await expect(research().search(QUERY, stop.signal)).rejects.toBe(reason);
      await closed;
    });
  });
};
