import { DEFAULT_POLICY, type ApprovalPolicy, type OnExpiry } from '../approvals/approval.ts';
import type { JsonObject } from '../json.ts';
import { DEFAULT_THRESHOLD } from './quality/threshold.ts';

/** What may be asked of one run of the content pipeline; all of it optional, all of it checked by the spec. */
export interface PipelineParameters {
  /** `provider:name`; the workspace's own, else the configured model when absent. */
  readonly model: string | null;
  /** Takes the first of the models by this order instead of a named one. */
  readonly prefer: 'cheapest' | 'fastest' | 'best' | null;
  readonly publishAt: Date | null;
  readonly policy: ApprovalPolicy;
  readonly approvalExpiresInSeconds: number | null;
  readonly onExpiry: OnExpiry;
  readonly research: 'none' | 'shallow' | 'moderate' | 'deep';
  readonly image: 'auto' | 'none';
  readonly targetWords: number | null;
  /** 0 to 100: a draft below is revised. */
  readonly threshold: number;
  readonly maxRevisions: number;
  /** Micro-dollars. */
  readonly budget: number | null;
}

export const MAX_REVISIONS = 3;

interface WireParameters {
  readonly model?: string;
  readonly prefer?: 'cheapest' | 'fastest' | 'best';
  readonly publish_at?: string;
  readonly approval?: Partial<ApprovalPolicy> & {
    readonly expires_in_seconds?: number;
    readonly on_expiry?: OnExpiry;
  };
  readonly research?: PipelineParameters['research'];
  readonly image?: PipelineParameters['image'];
  readonly target_words?: number;
  readonly quality?: { readonly threshold?: number; readonly max_revisions?: number };
  readonly budget_usd?: number;
}

export const readParameters = (json: JsonObject): PipelineParameters => {
  const wire = json as unknown as WireParameters;
  const { expires_in_seconds: expiresInSeconds, on_expiry: onExpiry, ...policy } = wire.approval ?? {};
  return {
    model: wire.model ?? null,
    prefer: wire.prefer ?? null,
    publishAt: wire.publish_at ? new Date(wire.publish_at) : null,
    policy: { ...DEFAULT_POLICY, ...policy },
    approvalExpiresInSeconds: expiresInSeconds ?? null,
    onExpiry: onExpiry ?? 'reject',
    research: wire.research ?? 'moderate',
    image: wire.image ?? 'auto',
    targetWords: wire.target_words ?? null,
    threshold: wire.quality?.threshold ?? DEFAULT_THRESHOLD,
    maxRevisions: wire.quality?.max_revisions ?? MAX_REVISIONS,
    budget: wire.budget_usd === undefined ? null : Math.round(wire.budget_usd * 1_000_000),
  };
};

/** The parameters of a run, out of its input. */
export const parametersOf = (input: JsonObject): PipelineParameters =>
  readParameters((input['parameters'] ?? {}) as JsonObject);

/** Where a run starts: a brief is written first, existing text is revised first, finished text goes to its approval at once. */
export type PipelineStart = 'brief' | 'optimize' | 'review';

export const readStart = (input: JsonObject): PipelineStart => {
  const start = input['start'];
  return start === 'review' || start === 'optimize' ? start : 'brief';
};

/** The share of the work that is done, in per cent; the rest is approval and publication. */
export const PROGRESS = {
  researched: 5,
  outline: 10,
  written: 60,
  composed: 65,
  judged: 70,
  finished: 80,
  approved: 90,
  published: 99,
} as const;

/** What one of so many sections, written side by side, adds. */
export const sectionShare = (sections: number): number =>
  Math.floor((PROGRESS.written - PROGRESS.outline) / Math.max(sections, 1));

/** What a judge's notes concern: their sections, or all where they concern the whole. */
export const sectionsToRevise = (
  notes: readonly { readonly section: number | null }[],
  sections: number,
): number[] => {
  const all = Array.from({ length: sections }, (_, index) => index);
  const named = all.filter((index) => notes.some(({ section }) => section === index));
  return named.length > 0 ? named : all;
};
