import { readFeed } from '../../../store/live/events.ts';
import { defineHandlers, eventStream } from '../../http/operation.ts';
import { DomainError } from '../../../domain/errors.ts';
import type { Live } from '../../live/live.ts';
import { resumePoint, wantsEventStream } from '../../live/resume.ts';
import { eventView } from '../../live/event.view.ts';

export const liveHandlers = ({ live }: { live: Live }) =>
  defineHandlers({
    listEvents: async ({ query }, ctx) => {
      const after = resumePoint(ctx, query.after);
      const limit = query.limit ?? 100;
      const rows = await ctx.read((db) => readFeed(db, after, limit + 1, query.type));
      if (wantsEventStream(ctx))
        return eventStream((sink) =>
          live.follow(ctx, sink, {
            feed: 'workspace',
            after,
            ...(query.type === undefined ? {} : { type: query.type }),
          }),
        );
      const items = rows.slice(0, limit).map((row) => eventView(row, true));
      return { items, next_after: rows.slice(0, limit).at(-1)?.pos ?? after, has_more: rows.length > limit };
    },

    openSocket: () => {
      throw new DomainError(
        'upgrade_required',
        'upgrade_required',
        'This address is a WebSocket: connect with "Upgrade: websocket".',
      );
    },
  });
