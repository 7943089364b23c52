import { liftLimit, limitedListing, type LimitedRow } from '../../../store/limits/limited.ts';
import { defineHandlers } from '../../http/operation.ts';
import type { PageQuery } from '../../http/page.ts';
import { list } from '../../http/resource.ts';
import { limitedView } from './limits.view.ts';

export interface LimitsDeps {
  readonly announceLifted: (ids: readonly string[]) => void;
}

export const limitHandlers = ({ announceLifted }: LimitsDeps) =>
  defineHandlers({
    listRateLimits: list({
      path: '/api/v1/admin/rate-limits',
      listing: ({ kind }: PageQuery & { kind?: LimitedRow['kind'] }) => limitedListing(kind),
      view: (row: LimitedRow) => limitedView(row),
    }),

    liftRateLimit: async ({ params }, ctx) => {
      await ctx.write((tx) => liftLimit(tx, params.limit_id));
      announceLifted([params.limit_id]);
      return undefined;
    },
  });
