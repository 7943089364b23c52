import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { workerPrincipal, type Principal } from '../../domain/identity/principal.ts';
import { toFedModels } from '../../domain/models/feed.ts';
import { modelSettings, type ModelSettings } from '../../domain/models/price.ts';
import { route } from '../../domain/models/route.ts';
import { createLogger } from '../../platform/logger.ts';
import { createOllamaClient } from '../../platform/ollama.ts';
import { feedCatalogue, requireModel } from '../../store/models/catalogue.repository.ts';
import type { ModelRow } from '../../store/models/model.rows.ts';
import { readRoutableModels } from '../../store/models/routable.ts';
import { selectedModel, selectModel } from '../../store/models/selection.ts';
import { readSpeeds } from '../../store/models/speed.ts';
import { sql } from '../../store/sql.ts';
import { openStore, type Store } from '../../store/store.ts';
import { startCatalogue, type CatalogueDeps, type ProviderListing } from '../../worker/catalogue.ts';
import { startOllamaDouble } from '../doubles/ollama-double.ts';
import { listing, NOTHING_CONFIGURED } from '../harness/listings.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

let server: TestServer;
let store: Store;
let here: Principal;
let elsewhere: Principal;

beforeAll(async () => {
  server = await startTestServer();
  store = await openStore(server.config.database.app ?? '', { poolSize: 4 });
  await server.signIn({ email: 'other@example.com', workspace: 'elsewhere' });
  const workspaces = await server.system.many<{ id: string }>(sql`select id from workspaces order by slug`);
  [here, elsewhere] = workspaces.map(({ id }) => workerPrincipal(id)) as [Principal, Principal];
});
afterAll(async () => {
  await store?.close();
  await server?.close();
});
beforeEach(async () => {
  await server.system.run(sql`delete from model_selections`);
  await server.system.run(sql`delete from models`);
});

const feed = (
  answers: Record<string, string[] | { reason: string }>,
  settings: ModelSettings = NOTHING_CONFIGURED,
): Promise<void> =>
  feedCatalogue(
    server.system,
    Object.entries(answers).map(([provider, answer]) =>
      Array.isArray(answer)
        ? {
            provider,
            models: toFedModels(
              answer.map((name) => listing(`${provider}:${name}`)),
              settings,
            ),
            reason: null,
          }
        : { provider, models: [], ...answer },
    ),
  );

const models = (): Promise<ModelRow[]> => server.system.many<ModelRow>(sql`select * from models order by id`);
const availability = async () =>
  Object.fromEntries((await models()).map(({ id, available, reason }) => [id, available || reason]));

describe('the catalogue', () => {
  test('keeps what providers no longer list, and says so', async () => {
    await feed({ a: ['one', 'two'], b: ['three'] });
    await feed({ a: ['two'], b: ['three'] });
    expect(await availability()).toEqual({
      'a:one': 'a no longer lists this model',
      'a:two': true,
      'b:three': true,
    });
  });

  test('keeps the models of a provider that can not be asked, with the reason, until it can', async () => {
    await feed({ a: ['one'], b: ['three'] });
    const [first] = await models();
    await feed({ a: { reason: 'A needs a key: set A_API_KEY' }, b: ['three'] });
    expect(await availability()).toEqual({ 'a:one': 'A needs a key: set A_API_KEY', 'b:three': true });
    await feed({ a: ['one'], b: ['three'] });
    const [again] = await models();
    expect(again).toMatchObject({ available: true, reason: null, first_seen_at: first?.first_seen_at });
    expect(again?.last_seen_at.getTime()).toBeGreaterThan(first?.last_seen_at.getTime() ?? Infinity);
  });

  test('has nothing available of a provider that is none any more', async () => {
    await feed({ a: ['one'], b: ['three'] });
    await feed({ b: ['three'] });
    expect(await availability()).toEqual({ 'a:one': 'a is not configured here any more', 'b:three': true });
  });

  test('takes a price that is configured, and forgets one that no longer is', async () => {
    const price = { inputPerMtok: 3_000_000, outputPerMtok: 15_000_000 };
    await feed({ a: ['one'] }, { ...NOTHING_CONFIGURED, corrections: [{ id: 'a:one', price }] });
    expect(await models()).toMatchObject([
      { input_price: 3_000_000, output_price: 15_000_000, price_source: 'file' },
    ]);
    await feed({ a: ['one'] });
    expect(await models()).toMatchObject([{ input_price: null, output_price: null, price_source: null }]);
  });

  test('is whole after two refreshes at once, whatever their order', async () => {
    const names = Array.from({ length: 50 }, (_, n) => `m${n}`);
    await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        feed(n % 2 === 0 ? { a: names, b: names.toReversed() } : { b: names, a: names.toReversed() }),
      ),
    );
    const rows = await models();
    expect(rows).toHaveLength(100);
    expect(rows.every(({ available }) => available)).toBe(true);
  });

  test('can be read by everyone and changed by no workspace', async () => {
    await feed({ a: ['one'] });
    expect(await store.read(elsewhere, (db) => db.many(sql`select id from models`))).toEqual([
      { id: 'a:one' },
    ]);
    for (const attempt of [
      sql`update models set title = 'mine'`,
      sql`delete from models`,
      sql`insert into models (id, provider, name, title, abilities, quality, available) values ('x:y', 'x', 'y', 'y', '{}', 'demo', true)`,
    ])
      await expect(store.write(elsewhere, (tx) => tx.run(attempt))).rejects.toThrow(/permission denied/);
  });

  test.each([
    ['a:llama', '', 'a:llama'],
    ['llama', '', 'a:llama'],
    ['llama', 'ollama', 'ollama:llama:latest'],
    ['mistral', '', 'ollama:mistral:latest'],
    ['ollama:mistral', '', 'ollama:mistral:latest'],
    ['org/big:8b', '', 'a:org/big:8b'],
  ])('knows %j (before others of %j) as %s', async (name, prefer, id) => {
    await feed({ a: ['llama', 'org/big:8b'], ollama: ['llama:latest', 'mistral:latest'] });
    expect((await store.read(here, (db) => requireModel(db, name, prefer))).id).toBe(id);
  });

  test('means by a name the model that can be used', async () => {
    await feed({ a: ['llama'], b: ['llama'] });
    await feed({ a: { reason: 'away' }, b: ['llama'] });
    expect((await store.read(here, (db) => requireModel(db, 'llama'))).id).toBe('b:llama');
    await expect(store.read(here, (db) => requireModel(db, 'nothing'))).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('a selection', () => {
  test('is the workspace’s own, and stays when its model goes away', async () => {
    await feed({ a: ['one', 'two'] });
    const select = (id: string) =>
      store.write(here, async (tx) => selectModel(tx, await requireModel(tx, id)));
    expect(await store.read(here, (db) => selectedModel(db))).toBeNull();
    expect(await select('a:one')).toBeNull();
    expect(await select('a:two')).toBe('a:one');
    await feed({ a: { reason: 'away' } });
    expect(await store.read(here, (db) => selectedModel(db, 'writing'))).toBe('a:two');
    expect(await store.read(elsewhere, (db) => selectedModel(db))).toBeNull();
    await expect(select('a:one')).rejects.toMatchObject({ code: 'model_unavailable' });
  });
});

const measure = async (
  principal: Principal,
  model: string,
  calls: readonly (readonly [number, number])[],
) => {
  const [run] = await server.system.many<{ id: string }>(
    sql`insert into runs (id, workspace_id, kind, subject_type, subject_id, status, input)
        values (uuidv7(), ${principal.workspaceId}, 'content', 'task', uuidv7(), 'completed', '{}') returning id`,
  );
  for (const [tokensOut, latencyMs] of calls)
    await server.system.run(
      sql`insert into usage_ledger (workspace_id, run_id, step_path, attempt, provider, model, tokens_out, latency_ms)
          values (${principal.workspaceId}, ${run?.id}, 'x', 1, 'a', ${model}, ${tokensOut}, ${latencyMs})`,
    );
};

describe('speed', () => {
  test('is the median of the newest 200 calls that were measured, in this workspace', async () => {
    await feed({ a: ['measured', 'new'] });
    const old = Array.from({ length: 150 }, () => [1_000, 1_000] as const);
    const slow = Array.from({ length: 101 }, () => [10, 1_000] as const);
    const fast = Array.from({ length: 99 }, () => [100, 1_000] as const);
    await measure(here, 'measured', [...old, ...slow, ...fast, [0, 1_000], [10, 0]]);
    await measure(elsewhere, 'measured', [[5_000, 1_000]]);
    expect(await store.read(here, readSpeeds)).toEqual(new Map([['a:measured', 10]]));
    expect(await store.read(elsewhere, readSpeeds)).toEqual(new Map([['a:measured', 5_000]]));
  });

  test('decides a route that prefers it', async () => {
    await feed({ a: ['an-unmeasured-one', 'measured'] });
    await measure(here, 'measured', [[10, 1_000]]);
    const found = route(await store.read(here, readRoutableModels), { prefer: 'fastest' });
    expect(found).toMatchObject({ candidates: [{ id: 'a:measured' }, { id: 'a:an-unmeasured-one' }] });
  });
});

const refreshing = (list: CatalogueDeps['list'], settings = NOTHING_CONFIGURED) => {
  const warnings: unknown[] = [];
  const log = createLogger('test', 'silent');
  log.warn = ((fields: object, message: string) => void warnings.push({ ...fields, message })) as never;
  return { warnings, catalogue: startCatalogue({ system: server.system, log, list, settings }) };
};

describe('the refresh', () => {
  test('fills the catalogue from an Ollama at the start', async () => {
    const double = await startOllamaDouble({ models: [{ name: 'qwen3:4b', parameterSize: '4.0B' }] });
    const client = createOllamaClient(double.host);
    const list = async (signal: AbortSignal): Promise<ProviderListing[]> => [
      {
        provider: 'ollama',
        error: null,
        models: (await client.listModels(signal)).map(({ name, ...said }) =>
          listing(`ollama:${name}`, { ...said, quality: 'standard' }),
        ),
      },
    ];
    const { catalogue } = refreshing(list);
    const [row] = await until(async () => {
      const rows = await models();
      return rows.length > 0 && rows;
    }, 'the first refresh');
    expect(row).toMatchObject({ id: 'ollama:qwen3:4b', parameters: 4_000_000_000, quantization: 'Q4_K_M' });
    await catalogue.stop();
    await double.close();
  });

  test('prices the configured model as its settings say', async () => {
    const { models: configured } = server.config;
    const priced = { models: { ...configured, inputPrice: 1_000_000, outputPrice: 2_000_000 } };
    const { catalogue } = refreshing(
      async () => [{ provider: 'a', models: [listing('a:one'), listing('a:two')], error: null }],
      modelSettings(priced.models, 'a:two'),
    );
    await until(async () => (await models()).length === 2, 'the refresh');
    await catalogue.stop();
    expect(await models()).toMatchObject([
      { input_price: null },
      { input_price: 1_000_000, output_price: 2_000_000 },
    ]);
    expect(modelSettings({ ...priced.models, outputPrice: null }, 'a:two').chosenPrice).toBeNull();
  });

  test('that fails leaves the catalogue as it is, and says so', async () => {
    await feed({ a: ['one'] });
    const { warnings, catalogue } = refreshing(() => Promise.reject(new Error('no network')));
    await until(async () => warnings.length > 0, 'the warning');
    await catalogue.stop();
    expect(await availability()).toEqual({ 'a:one': true });
  });

  test('ends at once when the process does', async () => {
    const begun = Promise.withResolvers<void>();
    const { warnings, catalogue } = refreshing(
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          begun.resolve();
        }),
    );
    await begun.promise;
    await catalogue.stop();
    expect(warnings).toEqual([]);
  });

  test('names corrections of models that their provider does not list', async () => {
    const settings = {
      ...NOTHING_CONFIGURED,
      corrections: [{ id: 'a:one' }, { id: 'a:typo' }, { id: 'away:x' }],
    };
    const { warnings, catalogue } = refreshing(
      async () => [
        { provider: 'a', models: [listing('a:one')], error: null },
        { provider: 'away', models: [], error: 'no key' },
      ],
      settings,
    );
    await until(async () => warnings.length > 0, 'the warning');
    await catalogue.stop();
    expect(warnings).toMatchObject([{ models: 'a:typo' }]);
  });
});
