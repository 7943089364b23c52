import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import type { JsonObject } from '../../domain/json.ts';
import { createLogger } from '../../platform/logger.ts';
import { sealEntries, Sealer, sealStatements } from '../../store/audit/sealer.ts';
import { migrate } from '../../store/setup/migrate.ts';
import { sql } from '../../store/sql.ts';
import { childEnv } from '../harness/child-env.ts';
import { openAuditBench, type AuditBench } from '../harness/audit.ts';
import { until } from '../harness/until.ts';

let bench: AuditBench;

beforeAll(async () => {
  bench = await openAuditBench();
});
afterAll(() => bench?.close());

const unsealed = async (): Promise<number> => (await bench.verify()).unsealed;

/** Texts that PostgreSQL takes: no NUL, no half of a pair. */
const text = fc.string({ unit: 'binary', maxLength: 40 }).map((found) => found.replaceAll('\0', ''));

describe('an entry', () => {
  test('has a hash that anybody can compute again, whatever it says', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, text, fc.jsonValue(), async (action, target, agent, value) => {
        const detail = JSON.parse(
          JSON.stringify({ value }).replaceAll(/\\u0000|\\ud[89a-f]../gi, ''),
        ) as JsonObject;
        await bench.store.write(
          bench.principal,
          async (tx) => tx.audit(action, 'test', target, detail, 'failure'),
          { requestId: randomUUID(), client: { address: '192.0.2.7', userAgent: agent } },
        );
      }),
      { numRuns: 60 },
    );
    expect(await bench.verify()).toMatchObject({ findings: [], unsealed: 60 });
    await bench.seal();
    expect(await bench.verify()).toMatchObject({ findings: [], unsealed: 0 });
  });

  test('can be changed or removed by neither role, nor be added with a hash or a seal of one’s choice', async () => {
    const { app, system } = bench.config.database;
    const tries = [
      [app, `update audit set detail = '{}'`],
      [app, 'delete from audit'],
      [app, `insert into audit_seals (number, previous_hash, entries, hash) values (99, '', '{}', '')`],
      [system, `update audit set action = 'x'`],
      [system, `update audit set content_hash = 'x'`],
      [system, 'delete from audit'],
      [system, 'delete from audit_seals'],
      [system, `update audit_seals set hash = 'x'`],
    ] as const;
    for (const [url, statement] of tries) {
      const client = new pg.Client({ connectionString: url ?? '' });
      await client.connect();
      await expect(client.query(statement)).rejects.toThrow(/permission denied/);
      await client.end();
    }
    const bold = (column: string, value: unknown): Promise<number> =>
      bench.store.write(bench.principal, (tx) =>
        tx.run(
          sql`insert into audit (workspace_id, actor_kind, action, target_type, target_id, detail, ${{ text: column, values: [] }})
              values (${bench.principal.workspaceId}, 'worker', 'test.bold', 'test', 'x', '{}', ${value})`,
        ),
      );
    for (const column of ['seal', 'place', 'at', 'redacted_at', 'readable_hash', 'salt'])
      await expect(bold(column, null)).rejects.toThrow(/permission denied/);
    expect(await bold('content_hash', '0'.repeat(64))).toBe(1);
    expect(await bench.findings()).toEqual([]);
    expect(await bench.seal()).toBe(1);
  });
});

describe('the sealer', () => {
  test('covers every entry once while many write, however many seal at once', async () => {
    const before = (await bench.verify()).entries;
    const log = createLogger('test', 'error');
    const sealers = [new Sealer(bench.system, log), new Sealer(bench.system, log)];
    for (const sealer of sealers) sealer.start();
    const write = (n: number) =>
      bench.store.write(bench.principal, async (tx) => {
        tx.audit('test.many', 'test', String(n), { n });
        tx.audit('test.many', 'test', String(n), { n });
        for (const sealer of sealers) sealer.wake();
        if (n % 7 === 0) throw new Error('on purpose');
      });
    await Promise.allSettled(Array.from({ length: 350 }, (_, n) => write(n)));
    await until(async () => (await unsealed()) === 0, 'the seals');
    for (const sealer of sealers) await sealer.stop();
    expect(await bench.verify()).toMatchObject({ entries: before + 600, sealed: before + 600, findings: [] });
  });

  test('takes one that commits late into a later seal', async () => {
    const committed = Promise.withResolvers<void>();
    const inserted = Promise.withResolvers<number>();
    const late = bench.store.write(bench.principal, async (tx) => {
      const { id } = await tx.one<{ id: number }>(
        sql`insert into audit (workspace_id, actor_kind, action, target_type, target_id, detail, content_hash)
            values (${bench.principal.workspaceId}, 'worker', 'test.late', 'test', 'late', '{}', '') returning id`,
      );
      inserted.resolve(id);
      await committed.promise;
    });
    const id = await inserted.promise;
    await bench.write(['early']);
    expect(await bench.seal()).toBe(1);
    const first = (await bench.verify()).head?.number ?? 0;
    committed.resolve();
    await late;
    expect(await bench.seal()).toBe(1);
    const rows = await bench.system.many(sql`select seal, place from audit where id = ${id}`);
    expect(rows).toEqual([{ seal: first + 1, place: 1 }]);
    expect(await bench.findings()).toEqual([]);
  });

  test('leaves nothing half done when it is killed, and lets the next one in', async () => {
    await bench.write(['before the kill', 'and another']);
    const { seals } = await bench.verify();
    const killed = new pg.Client({ connectionString: bench.config.database.system ?? '' });
    killed.on('error', () => {});
    await killed.connect();
    const { rows } = await killed.query<{ pid: number }>('select pg_backend_pid() as pid');
    await killed.query('begin');
    for (const { text: statement, values } of sealStatements())
      await killed.query(statement, values as unknown[]);
    const next = sealEntries(bench.system);
    await until(async () => {
      const waiting = await bench.superuser.query(
        `select 1 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`,
      );
      return waiting.rowCount === 1;
    }, 'the next sealer to wait');
    expect(await unsealed()).toBe(2);
    await bench.superuser.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    expect(await next).toBe(2);
    expect(await bench.verify()).toMatchObject({ seals: seals + 1, unsealed: 0, findings: [] });
  });

  test('takes what is more than one batch in several seals', async () => {
    const { seals } = await bench.verify();
    await bench.store.write(bench.principal, async (tx) => {
      for (let n = 0; n < 2_500; n++) tx.audit('test.bulk', 'test', String(n), { n });
    });
    expect(await bench.seal()).toBe(2_500);
    expect(await bench.verify()).toMatchObject({ seals: seals + 3, findings: [] });
  });
});

describe('npm run audit:verify', () => {
  const PROGRAM = fileURLToPath(new URL('../../scripts/audit-verify.ts', import.meta.url));
  const verify = (...args: string[]): Promise<{ code: number; output: string }> =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        [PROGRAM, ...args],
        { env: childEnv(bench.config) },
        (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
      );
    });

  test('says that the log is whole, what is not sealed, and the head', async () => {
    await bench.write(['unsealed']);
    const { head } = await bench.verify();
    const { code, output } = await verify('--head', head?.hash ?? '');
    expect(output).toMatch(/result.*whole/);
    expect(output).toMatch(/unsealed tail.*1, the oldest for/);
    expect(output).toContain(`Head: seal ${head?.number}, ${head?.hash}`);
    expect(code).toBe(0);
  });

  test('ends with 1 and names what is wrong', async () => {
    await bench.superuser.query(`update audit set detail = '{}' where action = 'test.late'`);
    const { code, output } = await verify('--head', 'f'.repeat(64));
    expect(code).toBe(1);
    expect(output).toMatch(/missing seal: the head/);
    await bench.superuser.query(`update audit set detail = '{"x": 1}' where action = 'test.late'`);
    expect((await verify()).output).toMatch(/changed entry: entry \d+: test\.late of \d{4}-/);
    await bench.superuser.query(`update audit set detail = '{}' where action = 'test.late'`);
  });

  test('does not take a head that can not be one', async () => {
    expect(await verify('--head', 'abc')).toMatchObject({ code: 2 });
  });
});

test('a database of before gets hashes over all that its entries say', async () => {
  const { owner, app, system } = bench.config.database;
  const name = `old_${randomUUID().slice(0, 8)}`;
  const at = (url: string | null): string => Object.assign(new URL(url ?? ''), { pathname: name }).href;
  await bench.superuser.query(`create database ${name}`);
  const urls = { owner: at(owner), app: at(app), system: at(system) };
  await migrate(urls, '0011-approval-totals');
  const client = new pg.Client({ connectionString: urls.owner });
  await client.connect();
  await client.query(
    `insert into audit (workspace_id, actor_kind, action, target_type, target_id, detail, content_hash)
     select gen_random_uuid(), 'user', 'test.old', 'test', n::text, jsonb_build_object('n', n), encode(sha256('old'), 'hex') from generate_series(1, 5) n`,
  );
  await migrate(urls);
  const { rows } = await client.query(
    'select count(*)::int as n from audit e where content_hash = audit_content_hash(e, audit_readable_hash(e))',
  );
  await client.end();
  await bench.superuser.query(`drop database ${name} with (force)`);
  expect(rows).toEqual([{ n: 5 }]);
});
