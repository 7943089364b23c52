import type { ProviderName } from '../../activities/research/provider.ts';
import type { ResearchConfig, ResearchQuery } from '../../activities/research/research.ts';
import { toConfig } from '../../platform/config.ts';
import { readEnv } from '../../platform/env.ts';
import type { DoubleResult } from '../doubles/research-wire.ts';

/** What the tests look for. */
export const QUERY: ResearchQuery = {
  topic: 'How to repot a houseplant',
  keyword: 'potting soil',
  depth: 'moderate',
};
export const KEY = 'a-key-0123456789';
export const never = (): AbortSignal => new AbortController().signal;

/** The configuration of an installation that has a provider at the double, and allows pages there. */
export const configFor = (name: ProviderName, url: string): ResearchConfig => {
  const { research } = toConfig({ ...readEnv(), environment: 'test', secretKey: 'x'.repeat(32) });
  return {
    outgoing: { allow: [new URL(url).host] },
    research: {
      ...research,
      chosen: name,
      tavily: { apiKey: KEY, baseUrl: url },
      brave: { apiKey: KEY, baseUrl: url },
      searxng: { baseUrl: url },
      wikipedia: { baseUrl: url },
    },
  };
};

/** A log that can be asked what was written. */
export const memoryLog = () => {
  const lines: string[] = [];
  const write = (fields: object, message: string): void =>
    void lines.push(JSON.stringify({ ...fields, message }));
  return { lines, log: { info: write, warn: write } };
};

export const TEXT = [
  'Repotting gives the roots of a houseplant more room, and fresh potting soil feeds it for a year.',
  'Choose a pot that is one size wider, for soil around small roots stays wet for too long.',
  'Water the houseplant a day before, and shake the old soil off its roots with your fingers.',
].join('\n');

/** Results whose pages are `/pages/1` and so on at the double. */
export const resultsAt = (url: string, count: number): DoubleResult[] =>
  Array.from({ length: count }, (_, at) => ({
    url: `${url}/pages/${at + 1}`,
    title: `Houseplants & pots ${at + 1}`,
    snippet: `Number ${at + 1} says that a houseplant's roots want fresh soil ... and that pots need holes for the water.`,
    published: '2026-01-05T10:00:00',
  }));

/** An HTML page with these paragraphs, among menus and scripts about the same. */
export const pageOf = (text: string): string =>
  `<!doctype html><html><head><title>A page</title><meta property="og:site_name" content="Plant &amp; Pot">` +
  `<script>var soil = "houseplant";</script></head><body><nav><ul><li><a href="/">Houseplant soil, pots, and all about repotting them. Home.</a></li></ul></nav>` +
  `<main><h1>Repotting</h1>${text
    .split('\n')
    .map((paragraph) => `<p>${paragraph}</p>`)
    .join('')}</main>` +
  `<footer><p>Soil and houseplant repotting newsletter, sign up today to get it for free.</p></footer></body></html>`;
