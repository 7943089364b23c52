import type { Provider, SourceKind, Want } from '../provider.ts';
import { ResearchFailure } from '../call.ts';
import { objectsAt, stringAt } from '../shape.ts';

const CATEGORY: Readonly<Record<SourceKind, string>> = {
  academic: 'science',
  news: 'news',
  blogs: 'general',
};

const categoriesOf = ({ kinds }: Want): string =>
  kinds.length === 0 ? 'general' : [...new Set(kinds.map((kind) => CATEGORY[kind]))].join(',');

/** SearXNG's own syntax at the beginning of words: `!images`, `!!g`, `:fr`. */
const withoutCommands = (query: string): string => query.replace(/(^|\s)[!:?]+(?=\S)/g, '$1');

/**
 * A SearXNG instance, whose settings must name the format json.
 * @param baseUrl from SEARXNG_URL; a user name and password in it are sent
 */
export const searxng = ({ baseUrl }: { baseUrl: string }): Provider => ({
  name: 'searxng',
  baseUrl,
  setting: 'SEARXNG_URL, and that the instance allows the format json',
  search: async (want, ask) => {
    const answer = await ask({
      path: '/search',
      query: { q: withoutCommands(want.query), format: 'json', categories: categoriesOf(want), pageno: '1' },
    });
    const results = objectsAt(answer, 'results');
    const silent = answer['unresponsive_engines'];
    if (results.length === 0 && Array.isArray(silent) && silent.length > 0)
      throw new ResearchFailure('the search engines behind searxng did not answer');
    return results.map((result) => ({
      url: stringAt(result, 'url') ?? '',
      title: stringAt(result, 'title') ?? '',
      publisher: null,
      published: stringAt(result, 'publishedDate'),
      snippets: [stringAt(result, 'content') ?? ''],
      text: null,
    }));
  },
});
