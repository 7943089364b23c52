import { Migration } from '@mikro-orm/migrations';
import { isolate } from './rls.ts';

const TABLES = [
  `create table sources (
     workspace_id uuid not null references workspaces,
     run_id uuid not null references runs,
     n integer not null check (n > 0),
     url text not null,
     title text not null,
     publisher text,
     published_at timestamptz,
     passages jsonb not null,
     provider text not null,
     fetched_at timestamptz not null,
     primary key (run_id, n))`,
];

export class Research extends Migration {
  override async up(): Promise<void> {
    for (const statement of [...TABLES, ...isolate('sources')]) this.addSql(statement);
  }
}
