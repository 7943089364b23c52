import { Migration } from '@mikro-orm/migrations';
import { isolate } from './rls.ts';

const TABLES = [
  `create table post_embeddings (
     workspace_id uuid not null references workspaces,
     content_id uuid not null references content_items,
     revision integer not null,
     model text not null,
     vector real[] not null,
     at timestamptz not null default now(),
     primary key (content_id, revision, model))`,
  // Kept inside the row: 2 kB each would else be moved out, and every comparison would fetch them one by one.
  `alter table post_embeddings alter column vector set storage plain`,
  `create index post_embeddings_workspace on post_embeddings (workspace_id, model)`,
  // Of vectors of length 1 it is the cosine. A plain loop takes half of what `unnest` with `sum` takes, and no extension.
  `create function dot_product(a real[], b real[]) returns double precision
     language plpgsql immutable strict parallel safe as $$
     declare total double precision := 0;
     begin
       for i in 1 .. array_length(a, 1) loop
         total := total + a[i] * b[i];
       end loop;
       return total;
     end $$`,
  `create table content_judgements (
     id uuid primary key default uuidv7(),
     workspace_id uuid not null references workspaces,
     content_id uuid not null references content_items,
     revision integer not null,
     run_id uuid not null references runs,
     score integer not null check (score between 0 and 100),
     passed boolean not null,
     measured jsonb not null,
     verdict jsonb not null,
     notes jsonb not null default '[]',
     model text,
     at timestamptz not null default now(),
     constraint content_judgements_once unique (content_id, revision, run_id))`,
  `create index content_judgements_newest on content_judgements (workspace_id, content_id, at desc, id desc)`,
];

export class Quality extends Migration {
  override async up(): Promise<void> {
    const statements = [
      ...TABLES,
      ...['post_embeddings', 'content_judgements'].flatMap((table) => isolate(table)),
    ];
    for (const statement of statements) this.addSql(statement);
  }
}
