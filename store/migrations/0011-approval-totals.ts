import { Migration } from '@mikro-orm/migrations';

const STATEMENTS = [
  // The owner is under row security too: as the system's role it sees every workspace.
  `set local role taskloom_system`,
  // Approvals are listed by kind: their totals are kept by it, as those of runs are.
  `delete from counters where kind = 'approval'`,
  `insert into counters (workspace_id, kind, status, slot, n)
   select workspace_id, 'approval/' || kind, status, 0, count(*) from approvals group by workspace_id, kind, status`,
  `reset role`,
];

export class ApprovalTotals extends Migration {
  override async up(): Promise<void> {
    for (const statement of STATEMENTS) this.addSql(statement);
  }
}
