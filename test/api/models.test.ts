import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { toFedModels } from '../../domain/models/feed.ts';
import { feedCatalogue } from '../../store/models/catalogue.repository.ts';
import { sql } from '../../store/sql.ts';
import { ApiClient } from '../harness/client.ts';
import { listing, NOTHING_CONFIGURED } from '../harness/listings.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

const REASON = 'Ollama is not reachable at http://10.0.0.7:11434: check OLLAMA_HOST';

let server: TestServer;
let anyone: ApiClient;
let editor: ApiClient;

beforeAll(async () => {
  server = await startTestServer();
  anyone = new ApiClient(server.url);
  editor = await server.signIn({ role: 'editor' });
  const priced = {
    ...NOTHING_CONFIGURED,
    corrections: [
      { id: 'anthropic:claude-x', price: { inputPerMtok: 3_000_000, outputPerMtok: 15_000_000 } },
    ],
  };
  const claude = listing('anthropic:claude-x', { title: 'Claude X', contextWindow: 200_000 });
  const others = ['openai:meta-llama/Llama-3:8b', 'openai:mistral:latest', 'openai:list'].map((id) =>
    listing(id),
  );
  const vectors = listing('openai:vectors', { abilities: ['embeddings'] });
  const local = listing('ollama:mistral:latest', { title: 'Mistral' });
  await feedCatalogue(server.system, [
    { provider: 'anthropic', models: toFedModels([claude], priced), reason: null },
    { provider: 'openai', models: toFedModels([...others, vectors], NOTHING_CONFIGURED), reason: null },
    { provider: 'ollama', models: toFedModels([local], NOTHING_CONFIGURED), reason: null },
    { provider: 'gone', models: toFedModels([listing('gone:model')], NOTHING_CONFIGURED), reason: null },
  ]);
  await server.system.run(
    sql`update models set available = false, reason = ${REASON} where provider = 'gone'`,
  );
});
afterAll(() => server?.close());

const IDS = [
  'anthropic:claude-x',
  'gone:model',
  'ollama:mistral:latest',
  'openai:list',
  'openai:meta-llama/Llama-3:8b',
  'openai:mistral:latest',
  'openai:vectors',
];

describe('the catalogue', () => {
  test.each(['/api/models', '/api/models/list', '/api/models-list'])('is open at %s', async (path) => {
    const { status, body } = await anyone.get(path);
    expect(status).toBe(200);
    expect(body.models.map(({ id }: { id: string }) => id)).toEqual(IDS);
    expect(body).toMatchObject({ total: IDS.length, has_more: false });
    expect(body.models[0]).toEqual({
      id: 'anthropic:claude-x',
      name: 'Claude X',
      provider: 'anthropic',
      model: 'claude-x',
      context_window: 200_000,
      max_output_tokens: null,
      pricing: { input_usd_per_mtok: 3, output_usd_per_mtok: 15, source: 'file' },
      abilities: ['tools'],
      quality: 'standard',
      available: true,
      size_bytes: null,
      parameters: null,
      quantization: null,
    });
    expect(body.models[2].pricing).toEqual({
      input_usd_per_mtok: 0,
      output_usd_per_mtok: 0,
      source: 'own_machine',
    });
    expect(body.models[3].pricing).toEqual({
      input_usd_per_mtok: null,
      output_usd_per_mtok: null,
      source: null,
    });
  });

  test('can be walked by cursor at each address, slashes and colons in names or not', async () => {
    for (const path of ['/api/models', '/api/models/list', '/api/models-list']) {
      const seen: string[] = [];
      let next: string | null = `${path}?limit=2`;
      while (next) {
        expect(next.startsWith(`${path}?`)).toBe(true);
        const { body } = await anyone.get(next);
        seen.push(...body.items.map(({ id }: { id: string }) => id));
        next = body.links.next;
      }
      expect(seen).toEqual(IDS);
    }
  });

  test.each([
    ['openai%3Ameta-llama%2FLlama-3%3A8b', 'openai:meta-llama/Llama-3:8b'],
    ['openai:meta-llama%2FLlama-3:8b', 'openai:meta-llama/Llama-3:8b'],
    ['meta-llama%2FLlama-3:8b', 'openai:meta-llama/Llama-3:8b'],
    ['claude-x', 'anthropic:claude-x'],
    ['openai:list', 'openai:list'],
  ])('finds %s', async (name, id) => {
    expect((await anyone.get(`/api/models/${name}`)).body).toMatchObject({ id });
    expect((await anyone.get(`/api/models/${name}/info`)).body).toMatchObject({
      id,
      first_seen_at: expect.any(String),
    });
  });

  test.each([
    'openai:meta-llama/Llama-3:8b',
    'nothing',
    'x'.repeat(301),
    '%00',
    '%ED%A0%80',
    'info/info',
    "'; drop table models; --",
  ])('knows nothing called %j', async (name) => {
    const { status } = await anyone.get(`/api/models/${name}`);
    expect([400, 404]).toContain(status);
  });

  test('tells why a model is away to those who may know, and to nobody else', async () => {
    const viewer = await server.signIn({ email: 'viewer@example.com', role: 'viewer' });
    const why = (await viewer.get('/api/models/gone:model/info')).body;
    expect(why).toMatchObject({ available: false, reason: REASON });
    for (const path of ['/api/models', '/api/models/gone:model', '/api/models/gone:model/info']) {
      const { body } = await anyone.get(path);
      expect(JSON.stringify(body)).not.toContain('10.0.0.7');
    }
    expect((await anyone.get('/api/models/gone:model')).body.available).toBe(false);
  });
});

const select = (client: ApiClient, model: string, headers?: Record<string, string>) =>
  client.post('/api/ollama/select-model', { model }, headers);

const selections = () =>
  server.system.many<{ slug: string; model_id: string; email: string }>(
    sql`select w.slug, s.model_id, u.email from model_selections s join workspaces w on w.id = s.workspace_id
          join users u on u.id = s.selected_by order by w.slug`,
  );

describe('selecting a model', () => {
  test('is for those who may change it', async () => {
    const viewer = await server.signIn({ email: 'viewer@example.com', role: 'viewer' });
    expect((await select(viewer, 'mistral')).status).toBe(403);
    expect((await select(anyone, 'mistral')).status).toBe(401);
    expect(await selections()).toEqual([]);
  });

  test('takes Ollama’s for a name, is audited, and belongs to one workspace', async () => {
    const { status, body } = await select(editor, 'mistral');
    expect(status).toBe(200);
    expect(body).toEqual({
      model: 'ollama:mistral:latest',
      selected: true,
      purpose: 'writing',
      name: 'Mistral',
      provider: 'ollama',
      previous: null,
    });
    const stranger = await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
    expect((await select(stranger, 'anthropic:claude-x')).body.previous).toBeNull();
    expect((await select(editor, 'openai:mistral:latest')).body).toMatchObject({
      model: 'openai:mistral:latest',
      previous: 'ollama:mistral:latest',
    });
    expect(await selections()).toEqual([
      { slug: 'default', model_id: 'openai:mistral:latest', email: 'editor@example.com' },
      { slug: 'elsewhere', model_id: 'anthropic:claude-x', email: 'stranger@example.com' },
    ]);
    const audited = await server.system.many(
      sql`select target_id, detail from audit where action = 'model.select' order by id desc limit 1`,
    );
    expect(audited).toEqual([
      {
        target_id: 'openai:mistral:latest',
        detail: { purpose: 'writing', before: 'ollama:mistral:latest' },
      },
    ]);
  });

  test.each([
    ['nothing', 404, 'not_found'],
    ['gone:model', 409, 'model_unavailable'],
    ['openai:vectors', 409, 'model_lacks_ability'],
  ])('of %s is refused with %d %s, and changes nothing', async (model, status, code) => {
    const before = await selections();
    const answer = await select(editor, model);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(await selections()).toEqual(before);
  });

  test('with a key is done once', async () => {
    const headers = { 'idempotency-key': 'select once' };
    const first = await select(editor, 'claude-x', headers);
    await select(editor, 'mistral');
    const replay = await select(editor, 'claude-x', headers);
    expect(replay.headers.get('idempotency-replayed')).toBe('true');
    expect(replay.body).toEqual(first.body);
    expect(await selections()).toMatchObject([{ model_id: 'ollama:mistral:latest' }, {}]);
  });
});
