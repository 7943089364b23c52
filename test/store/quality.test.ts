import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { workerPrincipal, type Principal } from '../../domain/identity/principal.ts';
import { byPerson, createContent } from '../../store/content/content.repository.ts';
import {
  listJudgements,
  nearestPost,
  postsWithoutEmbedding,
  storeEmbedding,
  storeJudgement,
  type NewJudgement,
} from '../../store/content/quality.repository.ts';
import { sql } from '../../store/sql.ts';
import { openStore, type Store } from '../../store/store.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

const MODEL = 'test/model@1';
const DIMENSIONS = 512;

let server: TestServer;
let store: Store;
let ours: Principal;
let theirs: Principal;

beforeAll(async () => {
  server = await startTestServer();
  store = await openStore(server.config.database.app ?? '');
  await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
  const workspace = async (slug: string): Promise<Principal> => {
    const found = await store.beforeWorkspace<{ id: string }>(sql`select workspace_id_of(${slug}) as id`);
    return workerPrincipal(found?.id ?? '');
  };
  [ours, theirs] = [await workspace('default'), await workspace('elsewhere')];
});
afterAll(async () => {
  await store?.close();
  await server?.close();
});

/** A vector of length 1 in the plane of the first two axes. */
const at = (degrees: number): Float32Array => {
  const vector = new Float32Array(DIMENSIONS);
  vector[0] = Math.cos((degrees * Math.PI) / 180);
  vector[1] = Math.sin((degrees * Math.PI) / 180);
  return vector;
};

const addContent = (principal: Principal, title: string): Promise<string> =>
  store.write(principal, (tx) =>
    createContent(tx, {
      draft: {
        title,
        body: 'Text.',
        excerpt: null,
        featuredImageUrl: null,
        seoTitle: null,
        seoDescription: null,
      },
      origin: byPerson(null),
      taskId: null,
      createdBy: null,
      category: null,
      tags: [],
    }),
  );

/** A published post with a vector, or none. */
const addPost = async (principal: Principal, title: string, vector: Float32Array | null): Promise<string> => {
  const contentId = await addContent(principal, title);
  await store.write(principal, async (tx) => {
    await tx.run(
      sql`insert into posts (id, workspace_id, content_id, revision, title, slug, body)
          values (uuidv7(), ${tx.principal.workspaceId}, ${contentId}, 1, ${title}, ${contentId}, 'Text.')`,
    );
    if (vector) await storeEmbedding(tx, { contentId, revision: 1, model: MODEL, vector });
  });
  return contentId;
};

const nearestTo = (principal: Principal, degrees: number, except: string | null = null) =>
  store.read(principal, (db) => nearestPost(db, { vector: at(degrees), model: MODEL }, except));

describe('the nearest post', () => {
  let first: string;
  let second: string;
  beforeAll(async () => {
    [first, second] = [await addPost(ours, 'Ten', at(10)), await addPost(ours, 'Seventy', at(70))];
    await addPost(theirs, 'Theirs', at(20));
  });

  test('is found by cosine, in the workspace alone, and is never the content itself', async () => {
    expect(await nearestTo(ours, 20)).toMatchObject({ content_id: first, title: 'Ten' });
    expect((await nearestTo(ours, 20))?.similarity).toBeCloseTo(Math.cos(Math.PI / 18), 5);
    expect(await nearestTo(ours, 20, first)).toMatchObject({ content_id: second });
    expect(await nearestTo(theirs, 10)).toMatchObject({ title: 'Theirs' });
  });

  test('is no withdrawn one, no draft, and none by another model', async () => {
    const withdrawn = await addPost(ours, 'Withdrawn', at(40));
    const draft = await addContent(ours, 'Draft');
    await store.write(ours, async (tx) => {
      await tx.run(sql`update posts set withdrawn_at = now() where content_id = ${withdrawn}`);
      await storeEmbedding(tx, { contentId: draft, revision: 1, model: MODEL, vector: at(40) });
      await storeEmbedding(tx, { contentId: second, revision: 1, model: 'other', vector: at(40) });
    });
    expect((await nearestTo(ours, 40))?.similarity).toBeCloseTo(Math.cos(Math.PI / 6), 5);
  });

  test('goes by the published revision while a newer one is embedded', async () => {
    const contentId = await addPost(ours, 'Revised', at(120));
    await store.write(ours, (tx) =>
      storeEmbedding(tx, { contentId, revision: 2, model: MODEL, vector: at(170) }),
    );
    await store.write(ours, (tx) =>
      storeEmbedding(tx, { contentId, revision: 3, model: MODEL, vector: at(171) }),
    );
    expect((await nearestTo(ours, 120))?.similarity).toBeCloseTo(1, 5);
    expect((await nearestTo(ours, 170))?.similarity).toBeCloseTo(Math.cos((50 * Math.PI) / 180), 5);
    const rows = await store.read(ours, (db) =>
      db.many<{ revision: number }>(
        sql`select revision from post_embeddings where content_id = ${contentId} order by revision`,
      ),
    );
    expect(rows.map(({ revision }) => revision)).toEqual([1, 3]);
  });

  test('is missing for posts without a vector, which are listed', async () => {
    const contentId = await addPost(ours, 'Without', null);
    const without = await store.read(ours, (db) => postsWithoutEmbedding(db, MODEL, 10));
    expect(without).toEqual([{ content_id: contentId, revision: 1, title: 'Without', body: 'Text.' }]);
    expect(
      await store.read(ours, (db) => nearestPost(db, { vector: at(1), model: 'none' }, null)),
    ).toBeUndefined();
  });

  test('among 10,000 is found within a few seconds', async () => {
    const workspace = theirs.workspaceId;
    await server.system.run(
      sql`with made as (
            insert into content_items (id, workspace_id, revision) select uuidv7(), ${workspace}, 1
              from generate_series(1, 10000) returning id),
          posted as (
            insert into posts (id, workspace_id, content_id, revision, title, slug, body)
            select uuidv7(), ${workspace}, id, 1, 'T', id::text, 'B' from made returning content_id)
          insert into post_embeddings (workspace_id, content_id, revision, model, vector)
          select ${workspace}, content_id, 1, ${MODEL},
                 (select array_agg((sin(n * 12.9898 + extract(epoch from clock_timestamp())) / 16)::real)
                    from generate_series(1, ${DIMENSIONS}) n) from posted`,
    );
    // What autovacuum does within a minute; a plan made for three rows would compare each with each.
    const owner = new pg.Client({ connectionString: server.config.database.owner ?? '' });
    await owner.connect();
    await owner.query('analyze posts, post_embeddings');
    await owner.end();
    const began = performance.now();
    const found = await nearestTo(theirs, 20);
    const ms = Math.round(performance.now() - began);
    console.log(`the nearest of 10,001 posts: ${ms} ms`);
    expect(found).toMatchObject({ title: 'Theirs' });
    expect(ms).toBeLessThan(5_000);
  });
});

describe('a judgement', () => {
  test('is stored once for a run and a revision, listed newest first, and seen by its workspace alone', async () => {
    const contentId = await addContent(ours, 'Judged');
    const runId = await store.write(ours, async (tx) => {
      const { id } = await tx.one<{ id: string }>(
        sql`insert into runs (id, workspace_id, kind, subject_type, subject_id, status, input)
            values (uuidv7(), ${tx.principal.workspaceId}, 'analysis', 'content', ${contentId}, 'running', '{}') returning id`,
      );
      return id;
    });
    const judgement = (revision: number, score: number): NewJudgement => ({
      contentId,
      revision,
      runId,
      score,
      passed: score >= 65,
      measured: { score, parts: [] },
      verdict: { reasons: [{ source: 'measured', text: 'Too short.' }] },
      notes: [{ text: 'Write more.', section: null }],
      model: null,
    });
    const put = (revision: number, score: number) =>
      store.write(ours, (tx) => storeJudgement(tx, judgement(revision, score)));
    expect([await put(1, 40), await put(1, 90), await put(2, 80)]).toEqual([true, false, true]);
    const rows = await store.read(ours, (db) => listJudgements(db, contentId));
    expect(rows).toMatchObject([
      { revision: 2, score: 80, passed: true, measured: { score: 80 } },
      { revision: 1, score: 40, passed: false, notes: [{ text: 'Write more.', section: null }], model: null },
    ]);
    expect(await store.read(theirs, (db) => listJudgements(db, contentId))).toEqual([]);
  });
});
