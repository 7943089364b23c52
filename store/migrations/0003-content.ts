import { Migration } from '@mikro-orm/migrations';
import { isolate } from './rls.ts';

const TABLES = [
  `create table tasks (
     id uuid primary key,
     workspace_id uuid not null references workspaces,
     created_by uuid references users,
     task_name text not null,
     topic text not null,
     primary_keyword text,
     target_audience text,
     category text,
     metadata jsonb not null default '{}',
     status text not null default 'pending' check (status in ('pending','active','completed','failed','cancelled')),
     content_id uuid,
     created_at timestamptz not null default now(),
     updated_at timestamptz not null default now(),
     completed_at timestamptz)`,
  `create index tasks_newest on tasks (workspace_id, created_at desc, id desc)`,
  `create index tasks_by_status on tasks (workspace_id, status, created_at desc, id desc)`,
  `create index tasks_updated on tasks (workspace_id, updated_at desc, id desc)`,
  `create table content_items (
     id uuid primary key,
     workspace_id uuid not null references workspaces,
     created_by uuid references users,
     task_id uuid references tasks,
     category text,
     tags text[] not null default '{}',
     status text not null default 'draft'
       check (status in ('draft','in_review','approved','scheduled','published','rejected')),
     revision integer not null,
     published_revision integer,
     created_at timestamptz not null default now(),
     updated_at timestamptz not null default now(),
     deleted_at timestamptz)`,
  `create index content_items_newest on content_items (workspace_id, created_at desc, id desc) where deleted_at is null`,
  `create index content_items_by_status on content_items (workspace_id, status, created_at desc, id desc)
     where deleted_at is null`,
  `create unique index content_items_task on content_items (task_id) where deleted_at is null`,
  `create table content_revisions (
     workspace_id uuid not null,
     item_id uuid not null references content_items,
     number integer not null,
     title text not null,
     body text not null,
     excerpt text,
     featured_image_url text,
     seo_title text,
     seo_description text,
     author_kind text not null check (author_kind in ('model','person')),
     author_id uuid references users,
     author_model text,
     run_id uuid references runs,
     step_path text,
     cost_micros bigint not null default 0,
     tokens_in bigint not null default 0,
     tokens_out bigint not null default 0,
     created_at timestamptz not null default now(),
     primary key (item_id, number))`,
  // A step that is run again finds the revision it made.
  `create unique index content_revisions_step on content_revisions (run_id, step_path)`,
  `alter table tasks add constraint tasks_content foreign key (content_id) references content_items`,
  `create table categories (
     id uuid primary key default uuidv7(), workspace_id uuid not null, name text not null, slug text not null,
     unique (workspace_id, slug))`,
  `create table tags (
     id uuid primary key default uuidv7(), workspace_id uuid not null, name text not null, slug text not null,
     unique (workspace_id, slug))`,
  `create table posts (
     id uuid primary key,
     workspace_id uuid not null references workspaces,
     content_id uuid not null references content_items,
     revision integer not null,
     title text not null,
     slug text not null,
     body text not null,
     excerpt text,
     featured_image_url text,
     seo_title text,
     seo_description text,
     category_id uuid references categories,
     published_at timestamptz not null default now(),
     updated_at timestamptz not null default now(),
     withdrawn_at timestamptz,
     constraint posts_once unique (content_id),
     constraint posts_slug unique (workspace_id, slug))`,
  `create index posts_newest on posts (workspace_id, published_at desc, id desc) where withdrawn_at is null`,
  `create index posts_changed on posts (workspace_id, updated_at desc) where withdrawn_at is null`,
  `create table post_tags (
     workspace_id uuid not null,
     post_id uuid not null references posts on delete cascade,
     tag_id uuid not null references tags,
     primary key (post_id, tag_id))`,
];

/** What the public site shows: read without a workspace, for the site's workspace alone. */
const site = (table: string, condition: string): string =>
  `create policy site on ${table} for select to taskloom_app
     using (workspace_id = (select current_site()) and ${condition})`;

export class Content extends Migration {
  override async up(): Promise<void> {
    const tables = [
      'tasks',
      'content_items',
      'content_revisions',
      'categories',
      'tags',
      'posts',
      'post_tags',
    ];
    const statements = [
      `create function current_site() returns uuid language sql stable
         return nullif(current_setting('app.site', true), '')::uuid`,
      ...TABLES,
      ...tables.flatMap((table) => isolate(table)),
      site('posts', 'withdrawn_at is null'),
      site('categories', 'true'),
      site('tags', 'true'),
      site('post_tags', 'true'),
      site('counters', `kind = 'post'`),
    ];
    for (const statement of statements) this.addSql(statement);
  }
}
