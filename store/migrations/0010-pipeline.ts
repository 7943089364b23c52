import { Migration } from '@mikro-orm/migrations';

const STATEMENTS = [
  // What the judge said of the newest revision that it saw; null before, and for text that no run has judged.
  `alter table content_items add column quality_score smallint check (quality_score between 0 and 100)`,
  `alter table content_items add column below_threshold boolean not null default false`,
  // The workspace's name is the site's, also on title cards; whoever has chosen one keeps it.
  `update workspaces set name = 'Taskloom' where slug = 'default' and name = 'Default'`,
  // The site shows the images of published posts with their words and sizes.
  `create policy site on images for select to taskloom_app using (workspace_id = (select current_site())
     and exists (select 1 from posts p where p.content_id = images.content_id and p.withdrawn_at is null))`,
  // The model that a step asks, as provider:name; null where it asks none.
  `alter table run_steps add column asked text`,
  `create index run_steps_begun on run_steps (run_id) where status = 'started'`,
];

export class Pipeline extends Migration {
  override async up(): Promise<void> {
    for (const statement of STATEMENTS) this.addSql(statement);
  }
}
