import type { JsonObject } from '../../domain/json.ts';
import type { RESEARCH_PROVIDERS } from '../../platform/config.ts';

export type ProviderName = (typeof RESEARCH_PROVIDERS)[number];

export type Depth = 'shallow' | 'moderate' | 'deep';
export type SourceKind = 'academic' | 'news' | 'blogs';

/** What a search is for. */
export interface Want {
  /** The search in plain words, short enough for every provider. */
  readonly query: string;
  /** The words of topic and keyword that carry meaning. */
  readonly words: readonly string[];
  readonly keyword: string | null;
  readonly depth: Depth;
  readonly kinds: readonly SourceKind[];
  /** How many sources are to be made. */
  readonly wanted: number;
  /** How many hits are asked for: some are of no use. */
  readonly count: number;
}

/** One result. Its texts may be anything; whoever takes it cleans them. */
export interface Hit {
  readonly url: string;
  readonly title: string;
  readonly publisher: string | null;
  readonly published: string | null;
  /** What the search engine shows of it. */
  readonly snippets: readonly string[];
  /** Its whole text, paragraphs on lines of their own, where the provider has it; else its page is fetched. */
  readonly text: string | null;
}

export interface VendorRequest {
  /** Below the provider's base URL. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes it a POST. */
  readonly json?: JsonObject;
}

export interface VendorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Null when the body is no JSON object. */
  readonly body: JsonObject | null;
}

/** Asks the provider's server. @returns its JSON. @throws ResearchFailure for whatever else it answers. */
export type Ask = (request: VendorRequest) => Promise<JsonObject>;

/** One way to find sources. */
export interface Provider {
  readonly name: ProviderName;
  readonly baseUrl: string;
  /** What an operator checks when the credentials are refused. */
  readonly setting: string;
  /** The status that an answer means, where the vendor says it in its own way. */
  statusOf?(answer: VendorAnswer): number;
  /** Milliseconds that a refusal for too many requests asks for, where the vendor says it in its own way. */
  waitOf?(answer: VendorAnswer): number | undefined;
  search(want: Want, ask: Ask): Promise<Hit[]>;
}
