import type { JsonObject } from '../../../domain/json.ts';
import { topicWords } from '../../../domain/research/passages.ts';
import type { Ask, Hit, Provider, VendorAnswer, Want } from '../provider.ts';
import { objectAt, objectsAt, stringAt } from '../shape.ts';

const COMMON = { action: 'query', format: 'json', formatversion: '2' };
/** The search takes 300 characters. */
const MAX_WORDS = 16;

/** All words, then the keyword alone, then any of the words: the search asks for every word that it is given. */
const queriesOf = ({ words, keyword }: Want): string[] => {
  const few = words.slice(0, MAX_WORDS);
  const queries = [few.join(' '), topicWords(keyword).slice(0, MAX_WORDS).join(' '), few.join(' OR ')];
  return [...new Set(queries)].filter((query) => query !== '');
};

const pagesOf = (answer: JsonObject): JsonObject[] => objectsAt(objectAt(answer, 'query'), 'pages');

const isArticle = (page: JsonObject): boolean => !('disambiguation' in objectAt(page, 'pageprops'));

/** Articles that a search finds, best first, with their introductions. */
const find = async (query: string, count: number, ask: Ask): Promise<JsonObject[]> => {
  const answer = await ask({
    path: '/w/api.php',
    query: {
      ...COMMON,
      generator: 'search',
      gsrsearch: query.slice(0, 300),
      gsrlimit: String(count),
      gsrnamespace: '0',
      prop: 'extracts|info|pageprops',
      exintro: '1',
      explaintext: '1',
      exlimit: 'max',
      inprop: 'url',
      ppprop: 'disambiguation',
    },
  });
  return pagesOf(answer)
    .filter(isArticle)
    .toSorted((a, b) => Number(a['index']) - Number(b['index']));
};

/** The whole text of an article: the server gives one a request. */
const wholeText = async (page: JsonObject, ask: Ask): Promise<string | null> => {
  const answer = await ask({
    path: '/w/api.php',
    query: {
      ...COMMON,
      prop: 'extracts',
      explaintext: '1',
      exsectionformat: 'plain',
      pageids: JSON.stringify(page['pageid'] ?? 0),
    },
  });
  return stringAt(pagesOf(answer)[0] ?? {}, 'extract');
};

/** Errors come with status 200. */
const statusOf = ({ status, body }: VendorAnswer): number => {
  const code = body && stringAt(objectAt(body, 'error'), 'code');
  if (!code) return status;
  if (code === 'ratelimited') return 429;
  return /^(?:readapidenied|permissiondenied|assert)/.test(code) ? 403 : 503;
};

/**
 * Wikipedia, or another MediaWiki with the extensions CirrusSearch and TextExtracts, through its Action API; no key.
 * @param baseUrl from TASKLOOM_WIKIPEDIA_URL
 */
export const wikipedia = ({ baseUrl }: { baseUrl: string }): Provider => ({
  name: 'wikipedia',
  baseUrl,
  setting: 'TASKLOOM_WIKIPEDIA_URL',
  statusOf,
  search: async (want, ask) => {
    let pages: JsonObject[] = [];
    for (const query of queriesOf(want)) if (pages.length === 0) pages = await find(query, want.count, ask);
    const hits: Hit[] = [];
    let patient = want.depth !== 'shallow';
    for (const page of pages) {
      const introduction = stringAt(page, 'extract') ?? '';
      let text: string | null = null;
      // One refusal is enough: the introductions are good sources too.
      if (patient && hits.length < want.wanted)
        text = await wholeText(page, ask).catch(() => {
          patient = false;
          return null;
        });
      hits.push({
        url: stringAt(page, 'fullurl') ?? '',
        title: stringAt(page, 'title') ?? '',
        publisher: null,
        published: null,
        snippets: [introduction],
        text: text ?? introduction,
      });
    }
    return hits;
  },
});
