import { objectsAt, stringAt } from '../shape.ts';
import type { Provider } from '../provider.ts';

/** Tavily's search, which brings the text of pages along. @param apiKey from TAVILY_API_KEY. */
export const tavily = ({ apiKey, baseUrl }: { apiKey: string; baseUrl: string }): Provider => ({
  name: 'tavily',
  baseUrl,
  setting: 'TAVILY_API_KEY',
  search: async (want, ask) => {
    const answer = await ask({
      path: '/search',
      headers: { authorization: `Bearer ${apiKey}` },
      json: {
        query: want.query,
        // "advanced" costs two credits instead of one.
        search_depth: want.depth === 'deep' ? 'advanced' : 'basic',
        topic: want.kinds.length === 1 && want.kinds[0] === 'news' ? 'news' : 'general',
        max_results: want.count,
        include_raw_content: want.depth === 'shallow' ? false : 'text',
        include_answer: false,
      },
    });
    return objectsAt(answer, 'results').map((result) => ({
      url: stringAt(result, 'url') ?? '',
      title: stringAt(result, 'title') ?? '',
      publisher: null,
      published: stringAt(result, 'published_date'),
      snippets: [stringAt(result, 'content') ?? ''],
      text: stringAt(result, 'raw_content'),
    }));
  },
});
