import pg from 'pg';
import { workerPrincipal, type Principal } from '../../domain/identity/principal.ts';
import { toConfig, type Config } from '../../platform/config.ts';
import { readEnv } from '../../platform/env.ts';
import { sealEntries } from '../../store/audit/sealer.ts';
import { verifyAudit, type AuditReport } from '../../store/audit/verify.ts';
import { sql } from '../../store/sql.ts';
import { openStore, type Store } from '../../store/store.ts';
import { openSystemStore, type SystemStore } from '../../store/system.ts';
import { cloneTemplate } from './template.ts';

/** A database of its own with an audit log, and somebody who may do anything to it. */
export interface AuditBench {
  readonly config: Config;
  readonly store: Store;
  readonly system: SystemStore;
  readonly principal: Principal;
  /** Connects as the superuser, whom nothing in the database stops. */
  readonly superuser: pg.Client;
  /** Writes entries, each in a transaction of its own. */
  write(names: readonly string[]): Promise<void>;
  /** Seals all there is. @returns how many entries. */
  seal(): Promise<number>;
  verify(head?: string): Promise<AuditReport>;
  /** `kind: where` of everything that is found. */
  findings(head?: string): Promise<string[]>;
  close(): Promise<void>;
}

export const openAuditBench = async (): Promise<AuditBench> => {
  const { url, drop } = await cloneTemplate();
  const config = toConfig({ ...readEnv(), databaseUrl: url, environment: 'test' });
  const store = await openStore(config.database.app ?? '', { poolSize: 8 });
  const system = openSystemStore(config.database.system ?? '', { name: 'test', poolSize: 4 });
  const superuser = new pg.Client({ connectionString: url });
  await superuser.connect();
  const workspace = await store.beforeWorkspace<{ id: string }>(sql`select workspace_id_of('default') as id`);
  const principal = workerPrincipal(workspace?.id ?? '');
  const verify = (head?: string): Promise<AuditReport> => verifyAudit(system, { head });
  return {
    config,
    store,
    system,
    principal,
    superuser,
    write: async (names) => {
      for (const name of names)
        await store.write(principal, async (tx) => tx.audit('test.done', 'test', name, { name }));
    },
    seal: async () => {
      let all = 0;
      for (let n = await sealEntries(system); n > 0; n = await sealEntries(system)) all += n;
      return all;
    },
    verify,
    findings: async (head) => (await verify(head)).findings.map(({ kind, where }) => `${kind}: ${where}`),
    close: async () => {
      await superuser.end();
      await system.close();
      await store.close();
      await drop();
    },
  };
};
