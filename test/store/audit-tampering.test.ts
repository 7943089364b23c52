import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openAuditBench, type AuditBench } from '../harness/audit.ts';

let bench: AuditBench;
/** The ids of two sealed batches of three, and of one entry that is not sealed yet. */
let ids: string[];

beforeEach(async () => {
  bench = await openAuditBench();
  await bench.write(['a', 'b', 'c']);
  await bench.seal();
  await bench.write(['d', 'e', 'f']);
  await bench.seal();
  await bench.write(['g']);
  const { rows } = await bench.superuser.query<{ id: string }>('select id from audit order by id');
  ids = rows.map(({ id }) => id);
});
afterEach(() => bench?.close());

const tamper = (statement: string, ...values: unknown[]): Promise<unknown> =>
  bench.superuser.query(statement, values);

const headNow = async (): Promise<string> => (await bench.verify()).head?.hash ?? '';

test('an untouched log is whole', async () => {
  expect(await bench.verify()).toMatchObject({
    entries: 7,
    sealed: 6,
    unsealed: 1,
    redacted: 0,
    seals: 2,
    head: { number: 2, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    findings: [],
    findingCount: 0,
  });
  expect(await bench.findings(await headNow())).toEqual([]);
});

describe('a changed entry', () => {
  test.each([
    `workspace_id = gen_random_uuid()`,
    `actor_kind = 'user'`,
    `actor_id = gen_random_uuid()`,
    `action = 'test.undone'`,
    `target_type = 'other'`,
    `target_id = 'z'`,
    `detail = '{"name": "z"}'`,
    `result = 'failure'`,
    `request_id = 'another'`,
    `client_address = '192.0.2.1'`,
    `user_agent = 'another'`,
    `at = at + interval '1 microsecond'`,
    `salt = gen_random_uuid()`,
    `content_hash = repeat('0', 64)`,
  ])('is found: %s', async (change) => {
    await tamper(`update audit set ${change} where id = $1`, ids[1]);
    expect((await bench.findings())[0]).toBe(`changed entry: entry ${ids[1]}`);
  });

  test('is found where it is not sealed yet', async () => {
    await tamper(`update audit set detail = '{}' where id = $1`, ids[6]);
    expect(await bench.findings()).toEqual([`changed entry: entry ${ids[6]}`]);
  });

  test('is found in its seal when its hash was made to fit', async () => {
    await tamper(`update audit set detail = '{}' where id = $1`, ids[4]);
    await tamper(
      `update audit e set content_hash = audit_content_hash(e, audit_readable_hash(e)) where id = $1`,
      ids[4],
    );
    expect(await bench.findings()).toEqual(['broken seal: seal 2']);
  });
});

describe('an entry', () => {
  test('that was removed is named', async () => {
    await tamper('delete from audit where id = $1', ids[1]);
    expect(await bench.findings()).toEqual([`removed entry: entry ${ids[1]}`]);
  });

  test('that was inserted into a sealed batch is named', async () => {
    await tamper(
      `insert into audit (workspace_id, actor_kind, action, target_type, target_id, detail, content_hash)
       values ($1, 'worker', 'test.forged', 'test', 'x', '{}', '')`,
      bench.principal.workspaceId,
    );
    await tamper(`update audit set seal = 1, place = 2 where action = 'test.forged'`);
    const { rows } = await bench.superuser.query(`select id from audit where action = 'test.forged'`);
    expect(await bench.findings()).toEqual([`inserted entry: entry ${rows[0].id}`]);
  });

  test('that changed places with another is named with it', async () => {
    await tamper('update audit set place = 3 - place where id = any($1)', [ids[0], ids[1]]);
    expect(await bench.findings()).toEqual([
      `reordered entry: entry ${ids[1]}`,
      `reordered entry: entry ${ids[0]}`,
    ]);
  });

  test('that changed its number for that of another is named with it', async () => {
    await tamper(
      'alter table audit alter column id drop identity; alter table audit drop constraint audit_pkey',
    );
    await tamper('update audit set id = $1::bigint + $2::bigint - id where id = any($3)', ids[0], ids[1], [
      ids[0],
      ids[1],
    ]);
    const pair = [ids[0], ids[1]];
    const kinds = pair.flatMap((id) => [`changed entry: entry ${id}`, `reordered entry: entry ${id}`]);
    expect((await bench.findings()).toSorted()).toEqual(['broken seal: seal 1', ...kinds.toSorted()]);
  });

  test('that was moved to another seal, or out of all, is named', async () => {
    await tamper('update audit set seal = 2 where id = $1', ids[0]);
    expect(await bench.findings()).toEqual([
      `reordered entry: entry ${ids[0]}`,
      `inserted entry: entry ${ids[0]}`,
    ]);
    await tamper('update audit set seal = null where id = $1', ids[0]);
    expect(await bench.findings()).toEqual([`reordered entry: entry ${ids[0]}`]);
  });
});

describe('a seal', () => {
  test.each([
    ['its time', `sealed_at = sealed_at - interval '1 hour'`],
    ['its order', `entries = array[entries[2], entries[1], entries[3]]`],
    ['its entries', `entries = entries[1:2]`],
    ['its hash', `hash = repeat('0', 64)`],
    ['what it follows', `previous_hash = repeat('1', 64)`],
  ])('that was changed in %s is found', async (_what, change) => {
    await tamper(`update audit_seals set ${change} where number = 1`);
    expect((await bench.findings()).join()).toMatch(/broken seal: seal [12]/);
  });

  test('that was computed anew does not fit the next one', async () => {
    await tamper(`update audit_seals set sealed_at = now() where number = 1`);
    await tamper(
      `update audit_seals s set hash = audit_sha256(json_build_array(number::text, previous_hash, audit_time(sealed_at),
         array_to_string(entries, ','), (select string_agg(content_hash, ',' order by place) from audit where seal = 1))) where number = 1`,
    );
    expect(await bench.findings()).toEqual(['broken seal: seal 2']);
  });

  test('that was removed is named', async () => {
    await tamper('delete from audit_seals where number = 1');
    expect(await bench.findings()).toEqual(['missing seal: seal 1']);
  });

  test('that was removed at the end is named by the entries that it covered', async () => {
    await tamper('delete from audit_seals where number = 2');
    expect(await bench.findings()).toEqual(['missing seal: seal 2']);
  });

  test('that was removed with all of its entries is missed by whoever kept its hash', async () => {
    const head = await headNow();
    await tamper('delete from audit where seal = 2 or seal is null');
    await tamper('delete from audit_seals where number = 2');
    expect(await bench.findings()).toEqual([]);
    expect(await bench.findings(head)).toEqual(['missing seal: the head']);
  });

  test('is missed too when all that is left was sealed anew', async () => {
    const head = await headNow();
    await tamper('delete from audit_seals');
    await tamper('delete from audit where id = $1', ids[0]);
    await tamper('update audit set seal = null, place = null');
    await bench.seal();
    expect(await bench.findings()).toEqual([]);
    expect(await bench.findings(head)).toEqual(['missing seal: the head']);
  });
});

describe('a redaction', () => {
  const redact = `update audit e set readable_hash = audit_readable_hash(e), salt = null, target_type = null, target_id = null,
    detail = null, client_address = null, user_agent = null, redacted_at = now() where id = $1`;

  test('that no entry speaks of is found', async () => {
    await tamper(redact, ids[1]);
    expect(await bench.verify()).toMatchObject({ redacted: 1 });
    expect(await bench.findings()).toEqual([`unexplained redaction: entry ${ids[1]}`]);
  });

  test('does not hide another change', async () => {
    await tamper(redact, ids[1]);
    await bench.store.write(bench.principal, async (tx) =>
      tx.audit('audit.redact', 'audit', ids[1] ?? '', {}),
    );
    expect(await bench.findings()).toEqual([]);
    await tamper(`update audit set actor_kind = 'user' where id = $1`, ids[1]);
    expect(await bench.findings()).toEqual([`changed entry: entry ${ids[1]}`]);
    await tamper(
      `update audit set actor_kind = 'worker', detail = '{"said": "by nobody"}' where id = $1`,
      ids[1],
    );
    expect(await bench.findings()).toEqual([`changed entry: entry ${ids[1]}`]);
    await tamper(`update audit set detail = null, readable_hash = null where id = $1`, ids[1]);
    expect(await bench.findings()).toEqual([`changed entry: entry ${ids[1]}`]);
  });
});

test('of many findings the first are told and all are counted', async () => {
  await bench.write(Array.from({ length: 30 }, (_, n) => `more ${n}`));
  await tamper(`update audit set detail = '{}'`);
  const report = await bench.verify();
  expect(report.findings).toHaveLength(20);
  expect(report.findingCount).toBe(37);
});
