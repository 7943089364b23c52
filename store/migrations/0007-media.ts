import { Migration } from '@mikro-orm/migrations';
import { asSystem, isolate } from './rls.ts';

const TABLES = [
  `create table images (
     -- Random, not ordered in time: who knows the id may see the image.
     id uuid primary key default gen_random_uuid(),
     workspace_id uuid not null references workspaces,
     content_id uuid references content_items,
     run_id uuid references runs,
     step_path text,
     n integer not null default 0 check (n >= 0),
     alt text not null check (alt <> ''),
     prompt text,
     style text check (style in ('photorealistic','illustration','3d')),
     origin text not null check (origin in ('title_card','model','upload')),
     model text,
     width integer not null check (width > 0),
     height integer not null check (height > 0),
     bytes integer not null check (bytes > 0),
     content_type text not null check (content_type in ('image/png','image/jpeg')),
     sha256 text not null,
     sizes jsonb not null default '[]',
     folder text not null,
     created_by uuid references users,
     created_at timestamptz not null default now(),
     constraint images_of_a_step check ((run_id is null) = (step_path is null)),
     -- A step that is run again finds the images it made.
     constraint images_step unique (run_id, step_path, n))`,
  `create index images_of_content on images (workspace_id, content_id, created_at, n) where content_id is not null`,
];

const FUNCTIONS = [
  `create function public_image(p_id uuid)
     returns table (folder text, content_type text, bytes integer, sha256 text, sizes jsonb)
     language sql stable security definer set search_path = public
     begin atomic
       select i.folder, i.content_type, i.bytes, i.sha256, i.sizes from images i where i.id = p_id;
     end`,
  ...asSystem('public_image(uuid)'),
];

export class Media extends Migration {
  override async up(): Promise<void> {
    for (const statement of [...TABLES, ...isolate('images'), ...FUNCTIONS]) this.addSql(statement);
  }
}
