import { Migration } from '@mikro-orm/migrations';

const STATEMENTS = [
  // Stored, because row security lets no filter on a function of the input near an index: only plain columns are safe there.
  `alter table runs add column workflow_name text not null generated always as (
     case when kind <> 'content' then kind when input->>'start' = 'optimize' then 'optimization' else 'content_creation' end) stored`,
  `drop index runs_ended`,
  // What the statistics read stands in the index itself: a month of them costs no visit to the rows.
  `create index runs_ended on runs (workspace_id, finished_at desc, id desc) include (status, workflow_name, started_at)
     where finished_at is not null`,
  `create index runs_ended_by_workflow on runs (workspace_id, workflow_name, finished_at desc, id desc)
     where finished_at is not null`,
  `create index runs_failed on runs (workspace_id, finished_at desc, id desc) where status in ('failed','cancelled')`,
  `create index run_steps_ended on run_steps (workspace_id, finished_at) include (path, started_at)
     where finished_at is not null`,
  `create index approvals_decided on approvals (workspace_id, decided_at) include (created_at) where decided_at is not null`,
];

export class History extends Migration {
  override async up(): Promise<void> {
    for (const statement of STATEMENTS) this.addSql(statement);
  }
}
