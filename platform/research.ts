import { RESEARCH_PROVIDERS, type Config } from './config.ts';

export type ResearchProviderName = (typeof RESEARCH_PROVIDERS)[number];
export type ResearchSettings = Pick<Config, 'research'>;

const isAddress = (text: string): boolean => /^https?:$/.test(URL.parse(text)?.protocol ?? '');

/** What stands in the way of a provider, in words that name the setting; null when nothing does. */
export const researchObstacle = (
  name: ResearchProviderName,
  { research }: ResearchSettings,
): string | null => {
  if (name === 'tavily')
    return research.tavily.apiKey === null ? 'Tavily needs a key: set TAVILY_API_KEY' : null;
  if (name === 'brave')
    return research.brave.apiKey === null ? 'Brave Search needs a key: set BRAVE_SEARCH_API_KEY' : null;
  if (name === 'searxng') {
    if (research.searxng.baseUrl === null) return 'SearXNG needs an address: set SEARXNG_URL';
    return isAddress(research.searxng.baseUrl) ? null : 'SEARXNG_URL is no http(s) address';
  }
  return isAddress(research.wikipedia.baseUrl) ? null : 'TASKLOOM_WIKIPEDIA_URL is no http(s) address';
};

/** The provider that searches go to: the first that is configured, in the order of their names; Wikipedia always is. */
export const chosenResearch = (settings: ResearchSettings): ResearchProviderName | null => {
  const { chosen } = settings.research;
  if (chosen === 'none') return null;
  if (chosen !== 'auto') return chosen;
  return RESEARCH_PROVIDERS.find((name) => researchObstacle(name, settings) === null) ?? 'wikipedia';
};
