import { Migration } from '@mikro-orm/migrations';

const STATEMENTS = [
  // Approvals are listed by kind: their totals are kept by it, as those of runs are.
  `delete from counters where kind = 'approval'`,
  `insert into counters (workspace_id, kind, status, slot, n)
   select workspace_id, 'approval/' || kind, status, 0, count(*) from approvals group by workspace_id, kind, status`,
];

export class ApprovalTotals extends Migration {
  override async up(): Promise<void> {
    for (const statement of STATEMENTS) this.addSql(statement);
  }
}
