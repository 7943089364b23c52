/** What a model can do besides writing text. */
export const ABILITIES = ['structured_output', 'tools', 'vision', 'image', 'embeddings'] as const;
export type Ability = (typeof ABILITIES)[number];

/** `demo` marks models too small to judge, score or choose: code does that for them. */
export type Quality = 'demo' | 'standard';

/** What a provider says of one of its models. `null`: it says nothing. */
export interface ModelListing {
  /** `provider:name`; names may hold colons and slashes themselves. */
  readonly id: string;
  readonly provider: string;
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** Tokens. */
  readonly contextWindow: number | null;
  /** Tokens. */
  readonly maxOutputTokens: number | null;
  readonly abilities: readonly Ability[];
  readonly quality: Quality;
  /** Bytes of its weights, where they lie on a machine of ours. */
  readonly sizeBytes: number | null;
  /** How many weights, where the provider says it. */
  readonly parameters: number | null;
  /** Such as `Q4_K_M`. */
  readonly quantization: string | null;
}

/** Micro-dollars per million tokens. */
export interface ModelPrice {
  readonly inputPerMtok: number;
  readonly outputPerMtok: number;
}
