import { decide, requireOpenApproval } from '../../../store/approvals/decide.ts';
import { contentListing, requireContentDetail } from '../../../store/content/content.queries.ts';
import { lockContent, removeContent, requireContent } from '../../../store/content/content.repository.ts';
import { defineHandlers, type Input } from '../../http/operation.ts';
import { item, list } from '../../http/resource.ts';
import { handIn, revise } from './content.flows.ts';
import { contentSummaryView, contentView } from './content.view.ts';

const draftFrom = (body: Input<'createContent'>['body']) => ({
  title: body.title,
  body: body.content,
  excerpt: body.excerpt ?? null,
  featuredImageUrl: body.featured_image_url ?? null,
  seoTitle: body.seo_title ?? null,
  seoDescription: body.seo_description ?? null,
});

export const contentHandlers = () =>
  defineHandlers({
    createContent: ({ body }, ctx) =>
      ctx.write(async (tx) => {
        const id = await handIn(
          tx,
          {
            draft: draftFrom(body),
            category: body.category ?? null,
            tags: body.tags ?? [],
            submit: body.submit ?? true,
            parameters: body.parameters ?? {},
          },
          ctx.traceId,
        );
        return contentView(await requireContentDetail(tx, id));
      }),

    listContent: list({
      path: '/api/content',
      view: contentSummaryView,
      listing: ({ status }: Input<'listContent'>['query']) => contentListing(status),
    }),

    getContent: item('item_id', requireContentDetail, contentView),

    updateContent: ({ params, body }, ctx) =>
      ctx.write(async (tx) => {
        const { submit, parameters, ...edits } = body;
        await revise(tx, params.item_id, { edits, submit, parameters: parameters ?? {} }, ctx.traceId);
        return contentView(await requireContentDetail(tx, params.item_id));
      }),

    deleteContent: ({ params }, ctx) =>
      ctx.write(async (tx) => {
        await removeContent(tx, await lockContent(tx, params.item_id));
        return undefined;
      }),

    approveContent: ({ body }, ctx) =>
      ctx.write(async (tx) => {
        const content = await requireContent(tx, body.content_id);
        const approval = await requireOpenApproval(tx, content.id);
        await decide(tx, approval.id, {
          decision: body.approved ? 'approve' : 'reject',
          revision: approval.revision,
          comment: body.feedback ?? null,
          edits: null,
          answer: null,
          userId: ctx.principal.userId,
          role: ctx.principal.role,
        });
        return contentView(await requireContentDetail(tx, content.id));
      }),
  });
