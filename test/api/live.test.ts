import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { cleanSection } from '../../domain/content/prompts.ts';
import { endSignIns } from '../../store/setup/people.ts';
import { sql } from '../../store/sql.ts';
import type { ApiClient } from '../harness/client.ts';
import { readSocket, readSse, type Frame } from '../harness/live.ts';
import { awaitApproval, awaitEnd, startPipeline } from '../harness/pipeline.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

const EVENTS = 400;
const RECONNECTS = 100;

let server: TestServer;
let second: { url: string; close: () => Promise<void> };
let client: ApiClient;
let runId: string;

beforeAll(async () => {
  server = await startTestServer();
  second = await server.another();
  client = await server.signIn();
  ({ runId } = await startPipeline(client, 'Followed'));
});
afterAll(async () => {
  await second?.close();
  await server?.close();
});

/** Appends an event and holds its transaction open for a while before it commits. */
const appendSlowly = async (
  database: pg.Client,
  stream: string,
  n: number,
  holdMs: number,
): Promise<void> => {
  const { rows } = await database.query<{ id: string }>(`select workspace_id_of('default') as id`);
  await database.query('begin');
  await database.query(`select set_config('app.workspace', $1, true)`, [rows[0]?.id]);
  const events = JSON.stringify([{ stream, type: 'test.happened', payload: { n } }]);
  await database.query(`select record_consequences($1, $2, '[]', '[]', '[]')`, [rows[0]?.id, events]);
  await pause(holdMs);
  await database.query('commit');
};

/** Writes pieces of texts as a worker does, and holds a transaction open where it is told to. */
const openWriter = async () => {
  const database = new pg.Client({ connectionString: server.config.database.app ?? '' });
  await database.connect();
  const { rows } = await database.query<{ id: string }>(`select workspace_id_of('default') as id`);
  const hold = async (run: string, step: string, part: number): Promise<() => Promise<void>> => {
    await database.query('begin');
    await database.query(`select set_config('app.workspace', $1, true)`, [rows[0]?.id]);
    await database.query(
      `insert into deltas (workspace_id, run_id, step, attempt, part, text) values ($1, $2, $3, 1, $4, $5)`,
      [rows[0]?.id, run, step, part, `${step}${part}`],
    );
    await database.query(`select pg_notify('taskloom_deltas', $1)`, [run]);
    return async () => void (await database.query('commit'));
  };
  return {
    hold,
    write: async (run: string, step: string, part: number) => (await hold(run, step, part))(),
    close: () => database.end(),
  };
};

/** Writes events to several streams at once; some transactions commit long after later ones. */
const writeEvents = async (streams: readonly string[]): Promise<void> => {
  await Promise.all(
    streams.map(async (stream, i) => {
      const database = new pg.Client({ connectionString: server.config.database.app ?? '' });
      await database.connect();
      for (let n = 0; n < EVENTS / streams.length; n++)
        await appendSlowly(database, stream, n, n % 7 === i % 7 ? 40 : 0);
      await database.end();
    }),
  );
};

/** Follows with a client that hangs up after every few frames and goes on where it was, at the other process. */
const followWithCuts = async (
  follow: (url: string, after: number, enough: (frames: readonly Frame[]) => boolean) => Promise<Frame[]>,
  position: (frame: Frame) => number,
  isLast: (frame: Frame) => boolean,
): Promise<{ frames: Frame[]; cuts: number }> => {
  const seen: Frame[] = [];
  let cuts = 0;
  for (let after = 0; ; cuts++) {
    const url = cuts % 2 === 0 ? server.url : second.url;
    const frames = await follow(
      url,
      after,
      (got) => isLast(got.at(-1) as Frame) || got.length >= 1 + (cuts % 4),
    );
    seen.push(...frames);
    const last = frames.at(-1) as Frame;
    if (isLast(last)) return { frames: seen, cuts };
    after = position(last);
  }
};

describe('a client that is cut off again and again', () => {
  test('sees every event of a run once and in order, over both doors', async () => {
    const stream = `run:${runId}`;
    const [{ last_seq: before } = { last_seq: 0 }] = await server.system.many<{ last_seq: number }>(
      sql`select last_seq from streams where stream = ${stream}`,
    );
    const total = before + EVENTS;
    const isLast = (frame: Frame): boolean => frame.seq === total;
    const position = (frame: Frame): number => frame.seq ?? 0;
    const token = client.token ?? '';
    const sse = followWithCuts(
      (url, lastEventId, enough) =>
        readSse(`${url}/api/v1/runs/${runId}/events`, token, { lastEventId, enough }),
      position,
      isLast,
    );
    const socket = followWithCuts(
      (url, after, enough) => readSocket(url, token, { streams: { [stream]: after } }, enough),
      position,
      isLast,
    );
    const [viaSse, viaSocket] = await Promise.all([sse, socket, writeEvents([stream])]);
    const expected = Array.from({ length: total }, (_, i) => i + 1);
    for (const { frames, cuts } of [viaSse, viaSocket]) {
      expect(cuts).toBeGreaterThanOrEqual(RECONNECTS);
      expect(frames.map(({ seq }) => seq)).toEqual(expected);
    }
  });

  test('sees every event of the workspace once and in order, while slow transactions commit late', async () => {
    const runs = await Promise.all(['a', 'b', 'c', 'd'].map((topic) => startPipeline(client, topic)));
    const streams = runs.map((run) => `run:${run.runId}`);
    const token = client.token ?? '';
    const [{ last_pos: start } = { last_pos: 0 }] = await server.system.many<{ last_pos: number }>(
      sql`select last_pos from event_log`,
    );
    let left = EVENTS;
    const finished = new Set<string>();
    const isLast = (frame: Frame): boolean => {
      const key = `${frame.stream}/${String(frame.data?.['n'])}`;
      if (frame.type === 'test.happened' && streams.includes(frame.stream ?? '') && !finished.has(key))
        finished.add(key);
      left = EVENTS - finished.size;
      return left === 0;
    };
    const following = followWithCuts(
      (url, after, enough) =>
        readSse(`${url}/api/v1/events`, token, { lastEventId: Math.max(after, start), enough }),
      (frame) => frame.pos ?? 0,
      isLast,
    );
    const [{ frames, cuts }] = await Promise.all([following, writeEvents(streams)]);
    expect(cuts).toBeGreaterThanOrEqual(RECONNECTS);
    const positions = frames.map(({ pos }) => pos ?? 0);
    expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b));
    for (const stream of streams) {
      const numbers = frames
        .filter((frame) => frame.stream === stream && frame.type === 'test.happened')
        .map(({ data }) => data?.['n']);
      expect(numbers).toEqual(Array.from({ length: EVENTS / streams.length }, (_, i) => i));
    }
  });
});

describe('a live connection', () => {
  test('shows the text while it is written, and the durable events', async () => {
    const slow = await startTestServer({ model: 'scripted:slow' });
    const person = await slow.signIn();
    await slow.startWorker();
    const { taskId, runId: slowRun } = await startPipeline(person, 'Watched');
    const frames: Frame[] = [];
    const pieces = new Map<string, string>();
    const socket = new WebSocket(`${slow.url.replace('http', 'ws')}/ws?token=${person.token}`);
    socket.addEventListener('open', () =>
      socket.send(JSON.stringify({ type: 'subscribe', streams: { [`run:${slowRun}`]: 0 } })),
    );
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as Frame;
      frames.push(frame);
      const step = String(frame.data?.['step']);
      if (frame.type === 'delta_reset') pieces.set(step, '');
      if (frame.type === 'delta') pieces.set(step, (pieces.get(step) ?? '') + String(frame.data?.['text']));
    });
    const sees = (type: string): boolean => frames.some((frame) => frame.type === type);
    await until(async () => sees('approval.requested'), 'the request for approval on the socket');
    socket.close();
    const types = frames.map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['run.started', 'step.started', 'delta', 'step.completed']));
    const { body } = await person.get(`/api/tasks/${taskId}`);
    expect(body.task_metadata.content.length).toBeGreaterThan(20);
    const sections = await slow.system.many<{ path: string; heading: string; text: string }>(
      sql`select path, result ->> 'heading' as heading, result ->> 'text' as text from run_steps where run_id = ${slowRun} and path like 'draft.%'`,
    );
    expect(sections.length).toBeGreaterThan(2);
    // To the last word, and before the word that the step has ended.
    for (const { path, heading, text } of sections)
      expect(cleanSection(pieces.get(path) ?? '', heading)).toBe(text);
    const last = frames.findLastIndex(({ type, data }) => type === 'delta' && data?.['step'] === 'draft.0/0');
    const end = frames.findIndex(
      ({ type, data }) => type === 'step.completed' && data?.['step'] === 'draft.0/0',
    );
    expect(last).toBeGreaterThan(-1);
    expect(end).toBeGreaterThan(last);
    await slow.close();
  });

  test('shows a piece that was committed late in its place, and tells of one that never came', async () => {
    const { runId: written } = await startPipeline(client, 'Written side by side');
    const seen: string[] = [];
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws?token=${client.token}`);
    socket.addEventListener('open', () =>
      socket.send(JSON.stringify({ type: 'subscribe', streams: { [`run:${written}`]: 0 } })),
    );
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as Frame;
      if (frame.type === 'delta_reset') seen.push('reset');
      if (frame.type === 'delta') seen.push(String(frame.data?.['text']));
    });
    const [fast, late] = [await openWriter(), await openWriter()];
    const shows = (text: string) => until(async () => seen.includes(text), text);
    try {
      await fast.write(written, 'a', 0);
      await shows('a0');
      const commit = await late.hold(written, 'a', 1);
      await fast.write(written, 'b', 0);
      await shows('b0');
      await commit();
      await fast.write(written, 'a', 2);
      await shows('a2');
      await fast.write(written, 'a', 4);
      await shows('a4');
    } finally {
      socket.close();
      await Promise.all([fast.close(), late.close()]);
    }
    expect(seen).toEqual(['a0', 'b0', 'a1', 'a2', 'reset', 'a4']);
  });

  test('ends when its sign-in is ended', async () => {
    const guest = await server.signIn({ email: 'guest@example.com' });
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws?token=${guest.token}`);
    const ready = new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
    const closed = new Promise<number>((resolve) =>
      socket.addEventListener('close', ({ code }) => resolve(code)),
    );
    await ready;
    await endSignIns(server.system, 'guest@example.com', false);
    expect(await closed).toBe(4401);
    expect((await guest.get('/auth/me')).status).toBe(401);
  });

  test('ends when its token expires', async () => {
    const brief = await startTestServer({ accessTokenSeconds: 1 });
    const guest = await brief.signIn();
    const socket = new WebSocket(`${brief.url.replace('http', 'ws')}/ws?token=${guest.token}`);
    expect(
      await new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code))),
    ).toBe(4401);
    await brief.close();
  });

  test('is refused without a token, with a broken frame, and to plain HTTP', async () => {
    const close = (socket: WebSocket) =>
      new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)));
    const ws = server.url.replace('http', 'ws');
    expect(await close(new WebSocket(`${ws}/ws?token=forged.token.here`))).toBe(4401);
    const unsigned = new WebSocket(`${ws}/ws`);
    unsigned.addEventListener('open', () =>
      unsigned.send(JSON.stringify({ type: 'subscribe', feed: 'workspace' })),
    );
    expect(await close(unsigned)).toBe(4401);
    const broken = new WebSocket(`${ws}/ws`);
    broken.addEventListener('open', () => broken.send('{"type":'));
    expect(await close(broken)).toBe(4400);
    expect((await client.get('/ws')).status).toBe(426);
  });

  test('tells a client whose position has expired', async () => {
    const worker = await server.startWorker();
    const { taskId, runId: old } = await startPipeline(client, 'Expired');
    await awaitApproval(client, taskId);
    await client.post(`/api/orchestrator/approve/${taskId}`, { approved: true });
    await awaitEnd(client, old);
    await worker();
    await server.system.run(sql`delete from events where stream = ${`run:${old}`} and seq <= 3`);
    expect(await client.get(`/api/v1/runs/${old}/events?after=1`)).toMatchObject({
      status: 410,
      body: { code: 'cursor_expired' },
    });
    expect((await client.get(`/api/v1/runs/${old}/events?after=3`)).status).toBe(200);
  });
});
