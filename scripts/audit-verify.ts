import { parseArgs } from 'node:util';
import { loadConfig } from '../platform/config.ts';
import { readEnv } from '../platform/env.ts';
import { verifyAudit, type AuditReport } from '../store/audit/verify.ts';
import { openSystemStore } from '../store/system.ts';
import { openExisting } from './backup/place.ts';
import { createProgress } from './services/progress.ts';

const USAGE = `npm run audit:verify -- [--head HASH]

Computes the hash of every audit entry and of every seal again, and walks the chain of seals. Everything may go on running.

  --head HASH   a seal's hash that was kept elsewhere, from an earlier run: the chain must hold it

Ends with 1 when something was changed, removed, inserted or reordered.`;

const HASH = /^[0-9a-f]{64}$/;

const show = ({ findings, findingCount, head, ...report }: AuditReport): void => {
  console.table({
    entries: report.entries,
    sealed: `${report.sealed} in ${report.seals} seals`,
    redacted: report.redacted,
    'unsealed tail':
      report.unsealedSeconds === null
        ? '0'
        : `${report.unsealed}, the oldest for ${Math.round(report.unsealedSeconds)} s`,
    result: findingCount === 0 ? 'whole' : `${findingCount} findings`,
  });
  console.log(head ? `Head: seal ${head.number}, ${head.hash}` : 'Head: none, nothing is sealed yet');
  for (const { kind, where, detail } of findings) console.log(`${kind}: ${where}: ${detail}`);
  if (findingCount > findings.length) console.log(`… and ${findingCount - findings.length} more`);
};

/** The system's connection: as configured, else to the embedded server, which is started if it does not run. */
const openPlace = async (): Promise<{ url: string; release: () => Promise<void> }> => {
  const { system } = loadConfig().database;
  if (system !== null) return { url: system, release: async () => {} };
  const place = await openExisting(readEnv());
  return { url: place.urls.system, release: () => place.release() };
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: { head: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const { head } = values;
  if (head !== undefined && !HASH.test(head))
    throw new Error('--head must be the hash of a seal: 64 hexadecimal digits.');
  const place = await openPlace();
  const system = openSystemStore(place.url, { name: 'taskloom-audit-verify', poolSize: 1 });
  try {
    const report = await createProgress().step('Verifying the audit log', (detail) =>
      verifyAudit(system, { head, onProgress: (checked, all) => detail(`${checked} of ${all} entries`) }),
    );
    show(report);
    return report.findingCount === 0 ? 0 : 1;
  } finally {
    await system.close();
    await place.release();
  }
};

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`audit:verify: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
