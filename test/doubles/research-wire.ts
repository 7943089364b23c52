/** What the four vendors of research send over the wire, as they send it. */

export interface DoubleResult {
  readonly url: string;
  readonly title: string;
  readonly snippet: string;
  /** Whole text, where the vendor brings it along (Tavily, Wikipedia). */
  readonly text?: string;
  readonly published?: string;
  readonly site?: string;
}

/** A status, and the body and headers that go with it. */
export interface Said {
  readonly status: number;
  readonly body: object;
}

export interface ResearchWire {
  readonly name: 'tavily' | 'brave' | 'searxng' | 'wikipedia';
  /** Whether a request is a search of this vendor. */
  matches(method: string, url: URL): boolean;
  results(results: readonly DoubleResult[], url: URL): object;
  /** How the vendor refuses credentials. */
  readonly unauthorized: Said;
  readonly tooMany: Said;
}

const tavily: ResearchWire = {
  name: 'tavily',
  matches: (method, { pathname }) => method === 'POST' && pathname === '/search',
  results: (results) => ({
    query: 'q',
    follow_up_questions: null,
    answer: null,
    images: [],
    results: results.map(({ url, title, snippet, text, published }) => ({
      url,
      title,
      content: snippet,
      score: 0.9,
      raw_content: text ?? null,
      ...(published === undefined ? {} : { published_date: published }),
    })),
    response_time: 1.2,
    request_id: '123e4567-e89b-12d3-a456-426614174111',
  }),
  unauthorized: { status: 401, body: { detail: { error: 'Unauthorized: missing or invalid API key.' } } },
  tooMany: {
    status: 429,
    body: { detail: { error: 'Your request has been blocked due to excessive requests.' } },
  },
};

const braveError = (status: number, code: string, detail: string): Said => ({
  status,
  body: {
    type: 'ErrorResponse',
    error: { id: '5ff0c8f0', status, code, detail, meta: { component: 'authentication' } },
    time: 1_767_225_600,
  },
});

const brave: ResearchWire = {
  name: 'brave',
  matches: (method, { pathname }) => method === 'GET' && pathname === '/res/v1/web/search',
  results: (results, url) => {
    const section = url.searchParams.get('result_filter') === 'news' ? 'news' : 'web';
    return {
      type: 'search',
      query: { original: url.searchParams.get('q'), more_results_available: true },
      mixed: { type: 'mixed', main: [], top: [], side: [] },
      [section]: {
        type: section === 'web' ? 'search' : 'news',
        results: results.map(({ url: page, title, snippet, published, site }) => ({
          type: 'search_result',
          title: title.replaceAll('&', '&amp;'),
          url: page,
          is_source_local: false,
          description: `<strong>${snippet.split(' ')[0] ?? ''}</strong> ${snippet.split(' ').slice(1).join(' ').replaceAll("'", '&#x27;')}`,
          ...(published === undefined ? {} : { page_age: published, age: 'January 5, 2026' }),
          profile: { name: site ?? 'x', url: page, long_name: site ?? 'x', img: 'https://imgs.example/x' },
          language: 'en',
          family_friendly: true,
          meta_url: { scheme: 'https', netloc: 'example', hostname: 'example', favicon: '', path: '' },
        })),
        family_friendly: true,
      },
    };
  },
  unauthorized: braveError(422, 'SUBSCRIPTION_TOKEN_INVALID', 'The provided subscription token is invalid.'),
  tooMany: braveError(429, 'RATE_LIMITED', 'Request rate limit exceeded for plan.'),
};

const searxng: ResearchWire = {
  name: 'searxng',
  matches: (method, { pathname }) => method === 'GET' && pathname === '/search',
  results: (results, url) => ({
    query: url.searchParams.get('q'),
    number_of_results: 0,
    results: results.map(({ url: page, title, snippet, published }) => ({
      url: page,
      title,
      content: snippet,
      publishedDate: published ?? null,
      thumbnail: null,
      engine: 'duckduckgo',
      template: 'default.html',
      parsed_url: ['https', 'example', '/', '', '', ''],
      img_src: '',
      priority: '',
      engines: ['duckduckgo'],
      positions: [1],
      score: 1,
      category: 'general',
    })),
    answers: [],
    corrections: [],
    infoboxes: [],
    suggestions: [],
    unresponsive_engines: [],
  }),
  unauthorized: { status: 403, body: { error: 'Forbidden' } },
  tooMany: { status: 429, body: { error: 'Too Many Requests' } },
};

const apiError = (status: number, code: string, info: string): Said => ({
  status,
  body: { error: { code, info, docref: 'See /w/api.php for API usage.' }, servedby: 'mw1' },
});

const wikipedia: ResearchWire = {
  name: 'wikipedia',
  matches: (method, { pathname }) => method === 'GET' && pathname === '/w/api.php',
  results: (results, url) => {
    const wanted = url.searchParams.get('pageids');
    const pages = results.map(({ url: page, title, snippet, text }, at) => ({
      pageid: at + 1,
      ns: 0,
      title,
      // Pages come by their ids; `index` has the order of the search.
      ...(wanted === null
        ? { index: at + 1, fullurl: page, canonicalurl: page, touched: '2026-01-05T00:00:00Z' }
        : {}),
      extract: wanted === null ? snippet : `${snippet}\n\n\nDetails\n${text ?? ''}`,
    }));
    const found =
      wanted === null ? pages.toReversed() : pages.filter(({ pageid }) => String(pageid) === wanted);
    const limit = Number(url.searchParams.get('gsrlimit') ?? 10);
    return results.length === 0
      ? { batchcomplete: true }
      : {
          batchcomplete: true,
          query: { pages: found.filter(({ pageid }) => wanted !== null || pageid <= limit) },
        };
  },
  unauthorized: apiError(200, 'readapidenied', 'You need read permission to use this module.'),
  tooMany: apiError(
    200,
    'ratelimited',
    "You've exceeded your rate limit. Please wait some time and try again.",
  ),
};

export const researchWires = { tavily, brave, searxng, wikipedia };
