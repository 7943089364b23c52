import { connect } from 'node:net';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { loadSpec, listOperations } from '../../api/http/spec.ts';
import { mountSpec } from '../../api/http/openapi.ts';
import { ApiClient } from '../harness/client.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let client: ApiClient;

beforeAll(async () => {
  server = await startTestServer({ corsOrigins: ['https://console.example.com'] });
  client = await server.signIn();
});
afterAll(() => server?.close());

const body = { task_name: 'once', topic: 'once' };
const total = async (): Promise<number> => (await client.get('/api/tasks')).body.total;

describe('an Idempotency-Key', () => {
  test('makes a repeated request one effect with one answer', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const before = await total();
    const first = await client.post('/api/tasks', body, key);
    const second = await client.post('/api/tasks', { topic: 'once', task_name: 'once' }, key);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(JSON.stringify(second.body)).toBe(JSON.stringify(first.body));
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(await total()).toBe(before + 1);
  });

  test('holds at the same instant in two processes', async () => {
    const other = await server.another();
    const key = { 'idempotency-key': randomUUID() };
    const before = await total();
    const there = new ApiClient(other.url, client.token);
    const answers = await Promise.all(
      [client, there, client, there].map((door) => door.post('/api/tasks', body, key)),
    );
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(await total()).toBe(before + 1);
    await other.close();
  });

  test('is refused with another body, and belongs to one person and one address', async () => {
    const key = { 'idempotency-key': randomUUID() };
    await client.post('/api/tasks', body, key);
    expect(await client.post('/api/tasks', { ...body, topic: 'other' }, key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    const colleague = await server.signIn({ email: 'colleague@example.com' });
    const theirs = await colleague.post('/api/tasks', { ...body, topic: 'theirs' }, key);
    expect(theirs).toMatchObject({ status: 201, body: { topic: 'theirs' } });
    expect((await client.post('/api/content', { title: 't', content: 'c', submit: false }, key)).status).toBe(
      201,
    );
  });

  test('of a refused request is free again', async () => {
    const key = { 'idempotency-key': randomUUID() };
    expect((await client.post('/api/orchestrator/process', { task_id: randomUUID() }, key)).status).toBe(404);
    const task = await client.post('/api/tasks', body);
    expect((await client.post('/api/orchestrator/process', { task_id: task.body.id }, key)).status).toBe(200);
  });
});

describe('every answer', () => {
  test('carries a request id, security headers, and no-store where it is private', async () => {
    const { headers } = await client.get('/api/tasks', { 'x-request-id': 'my-own-id' });
    expect(headers.get('x-request-id')).toBe('my-own-id');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-powered-by')).toBeNull();
  });

  test('of the site can be cached, and is not sent twice', async () => {
    const { headers } = await client.get('/api/posts');
    expect(headers.get('cache-control')).toMatch(/^public/);
    const again = await client.get('/api/posts', { 'if-none-match': headers.get('etag') ?? '' });
    expect([again.status, again.body]).toEqual([304, '']);
  });

  test('is for configured origins only', async () => {
    const allowed = await client.get('/api/posts', { origin: 'https://console.example.com' });
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://console.example.com');
    const foreign = await client.get('/api/posts', { origin: 'https://elsewhere.example.com' });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('signing in', () => {
  const signIn = (email: string, password: string) =>
    new ApiClient(server.url).post('/auth/login', { email, password });

  test('says the same for a wrong name and a wrong password', async () => {
    const answers = await Promise.all([
      signIn('editor@example.com', 'wrong'),
      signIn('nobody@nowhere.com', 'wrong'),
    ]);
    for (const { status, body: problem } of answers)
      expect([status, problem.code, problem.detail]).toEqual([
        401,
        'invalid_credentials',
        answers[0]?.body.detail,
      ]);
  });

  test('refuses forged tokens', async () => {
    const [header, payload] = (client.token ?? '').split('.');
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    for (const token of [
      `${header}.${payload}.AAAA`,
      `${none}.${payload}.`,
      `${none}.${payload}.AAAA`,
      'a.b.c',
      '',
    ])
      expect((await new ApiClient(server.url, token).get('/auth/me')).status).toBe(401);
  });
});

describe('health', () => {
  test('says little to everyone and more to those who may know', async () => {
    const anyone = new ApiClient(server.url);
    expect((await anyone.get('/health')).body).toMatchObject({ service: 'taskloom', environment: 'test' });
    const little = await anyone.get('/api/v1/health/dependencies');
    expect(little.body.dependencies).toContainEqual({ name: 'postgresql', status: 'healthy', needed: true });
    const more = await client.get('/api/v1/health/detailed');
    expect(more.body).toMatchObject({
      outbox: { waiting: expect.any(Number) },
      memory_bytes: expect.any(Number),
    });
  });

  test('shows its figures to Prometheus', async () => {
    const { body: text, headers } = await new ApiClient(server.url).get('/metrics');
    expect(headers.get('content-type')).toMatch(/^text\/plain/);
    for (const line of [
      'sessions_total{status="active"} 0',
      '# TYPE api_requests_total counter',
      'taskloom_outbox_waiting',
      'nodejs_eventloop_lag',
    ])
      expect(text).toContain(line);
  });
});

/** What a server says to bytes that are no request it could read. */
const sayRaw = (url: string, bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });

describe('the server', () => {
  test.each([
    ['headers without an end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    ['an address without an end', `GET /${'y'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    ['no HTTP at all', 'hello\r\n\r\n', 400],
  ])('answers %s with a problem, too', async (_what, bytes, status) => {
    const [head = '', text = ''] = (await sayRaw(server.url, bytes)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} .*application/problem\\+json`, 's'));
    expect(JSON.parse(text)).toMatchObject({
      status,
      code: expect.any(String),
      request_id: expect.any(String),
    });
  });

  test('does not start when the spec and the handlers differ', () => {
    const spec = loadSpec();
    const handlers = Object.fromEntries(
      listOperations(spec).map(({ facts }) => [facts.id, async () => undefined]),
    );
    const { getMe: _missing, ...others } = handlers;
    const deps = {
      spec,
      authorizer: {} as never,
      limits: {} as never,
      authorizeWebhook: {} as never,
      validateResponses: false,
      store: {} as never,
      siteWorkspaceId: async () => '',
      administration: {} as never,
      rightsChanged: () => {},
    };
    expect(() => mountSpec(express(), { ...deps, handlers: others })).toThrow(/Without a handler: getMe/);
    expect(() =>
      mountSpec(express(), { ...deps, handlers: { ...handlers, surprise: async () => undefined } }),
    ).toThrow(/Without an operation: surprise/);
  });
});
