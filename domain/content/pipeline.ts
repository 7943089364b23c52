import { DEFAULT_POLICY, type ApprovalPolicy, type OnExpiry } from '../approvals/approval.ts';
import type { JsonObject } from '../json.ts';

/** What may be asked of one run of the content pipeline; all of it optional, all of it checked by the spec. */
export interface PipelineParameters {
  /** `provider:name`; the configured model when absent. */
  readonly model: string | null;
  readonly publishAt: Date | null;
  readonly policy: ApprovalPolicy;
  readonly approvalExpiresInSeconds: number | null;
  readonly onExpiry: OnExpiry;
}

interface WireParameters {
  readonly model?: string;
  readonly publish_at?: string;
  readonly approval?: Partial<ApprovalPolicy> & {
    readonly expires_in_seconds?: number;
    readonly on_expiry?: OnExpiry;
  };
}

export const readParameters = (json: JsonObject): PipelineParameters => {
  const wire = json as unknown as WireParameters;
  const { expires_in_seconds: expiresInSeconds, on_expiry: onExpiry, ...policy } = wire.approval ?? {};
  return {
    model: wire.model ?? null,
    publishAt: wire.publish_at ? new Date(wire.publish_at) : null,
    policy: { ...DEFAULT_POLICY, ...policy },
    approvalExpiresInSeconds: expiresInSeconds ?? null,
    onExpiry: onExpiry ?? 'reject',
  };
};

/** Where a run starts: a brief is written first, existing text is revised first, finished text goes to its approval at once. */
export type PipelineStart = 'brief' | 'optimize' | 'review';

export const readStart = (input: JsonObject): PipelineStart => {
  const start = input['start'];
  return start === 'review' || start === 'optimize' ? start : 'brief';
};

/** The share of the work that is done, in per cent; the rest is approval and publication. */
export const PROGRESS = { outline: 10, written: 70, composed: 75, approved: 90, published: 99 } as const;

/** What one of so many sections, written side by side, adds. */
export const sectionShare = (sections: number): number =>
  Math.floor((PROGRESS.written - PROGRESS.outline) / Math.max(sections, 1));
