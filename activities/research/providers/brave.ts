import type { JsonObject } from '../../../domain/json.ts';
import type { Hit, Provider, VendorAnswer, Want } from '../provider.ts';
import { plainFromHtml } from '../readable.ts';
import { objectAt, objectsAt, stringAt, stringsAt } from '../shape.ts';

const MAX_COUNT = 20;

/** News have a list of their own; of the other kinds Brave knows nothing. */
const sectionsOf = ({ kinds }: Want): ('web' | 'news')[] => {
  if (!kinds.includes('news')) return ['web'];
  return kinds.length === 1 ? ['news'] : ['web', 'news'];
};

const toHit = (result: JsonObject): Hit => ({
  url: stringAt(result, 'url') ?? '',
  title: plainFromHtml(stringAt(result, 'title') ?? ''),
  publisher:
    stringAt(objectAt(result, 'profile'), 'long_name') ?? stringAt(objectAt(result, 'profile'), 'name'),
  published: stringAt(result, 'page_age'),
  snippets: [stringAt(result, 'description') ?? '', ...stringsAt(result, 'extra_snippets')].map(
    plainFromHtml,
  ),
  text: null,
});

/** A refused token is a 422 with a code of its own. */
const statusOf = ({ status, body }: VendorAnswer): number => {
  const code = body && stringAt(objectAt(body, 'error'), 'code');
  return status === 422 && code?.startsWith('SUBSCRIPTION_TOKEN') ? 401 : status;
};

/** Seconds until the fullest window opens again: `X-RateLimit-Reset: 1, 1419704` beside `X-RateLimit-Remaining: 0, 120`. */
const waitOf = ({ headers }: VendorAnswer): number | undefined => {
  const numbers = (name: string): number[] =>
    (headers[name]?.split(',') ?? []).map((part) => Number.parseInt(part, 10));
  const remaining = numbers('x-ratelimit-remaining');
  const waits = numbers('x-ratelimit-reset').filter((seconds, at) => seconds > 0 && remaining[at] === 0);
  return waits.length === 0 ? undefined : Math.max(...waits) * 1000;
};

/** Brave's web search. @param apiKey from BRAVE_SEARCH_API_KEY. */
export const brave = ({ apiKey, baseUrl }: { apiKey: string; baseUrl: string }): Provider => ({
  name: 'brave',
  baseUrl,
  setting: 'BRAVE_SEARCH_API_KEY',
  statusOf,
  waitOf,
  search: async (want, ask) => {
    const sections = sectionsOf(want);
    const answer = await ask({
      path: '/res/v1/web/search',
      headers: { 'x-subscription-token': apiKey },
      query: {
        q: want.query,
        count: String(Math.min(want.count, MAX_COUNT)),
        result_filter: sections.join(','),
        text_decorations: 'false',
      },
    });
    return sections.flatMap((section) => objectsAt(objectAt(answer, section), 'results').map(toHit));
  },
});
