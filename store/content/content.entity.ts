import { defineEntity, p } from '@mikro-orm/postgresql';

export const ContentItemEntity = defineEntity({
  name: 'ContentItem',
  tableName: 'content_items',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    createdBy: p.uuid().nullable(),
    taskId: p.uuid().nullable(),
    category: p.text().nullable(),
    tags: p.array(),
    revision: p.integer(),
  },
});

export const ContentRevisionEntity = defineEntity({
  name: 'ContentRevision',
  tableName: 'content_revisions',
  properties: {
    itemId: p.uuid().primary(),
    number: p.integer().primary(),
    workspaceId: p.uuid(),
    title: p.text(),
    body: p.text(),
    excerpt: p.text().nullable(),
    featuredImageUrl: p.text().nullable(),
    seoTitle: p.text().nullable(),
    seoDescription: p.text().nullable(),
    authorKind: p.text().$type<'model' | 'person'>(),
    authorId: p.uuid().nullable(),
    authorModel: p.text().nullable(),
    runId: p.uuid().nullable(),
    stepPath: p.text().nullable(),
    costMicros: p.bigint('number'),
    tokensIn: p.bigint('number'),
    tokensOut: p.bigint('number'),
  },
});
