import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { storeImages, writeImageFiles } from '../../activities/media/store-images.ts';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { attachImages, listImages, type ImageRow } from '../../store/media/images.repository.ts';
import { sql } from '../../store/sql.ts';
import type { ApiClient } from '../harness/client.ts';
import { openImageBench, type ImageBench } from '../harness/images.ts';
import { startPipeline } from '../harness/pipeline.ts';
import { UNKNOWN_ID } from '../harness/sample.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let editor: ApiClient;
let bench: ImageBench;
let image: ImageRow;

beforeAll(async () => {
  server = await startTestServer({ publicUrl: 'https://journal.example/' });
  editor = await server.signIn();
  const { runId } = await startPipeline(editor, 'All about ferns');
  bench = await openImageBench(server, runId);
  [image] = (await bench.draw('All about ferns')) as [ImageRow];
});
afterAll(async () => {
  await bench?.close();
  await server?.close();
});

const fetchFile = (name: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${server.url}/media/${image.id}/${name}`, init);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const rowsOf = (stepPath: string): Promise<ImageRow[]> =>
  server.system.many(sql`select * from images where step_path = ${stepPath} order by n`);
const holds = async (row: Pick<ImageRow, 'folder'>, name: string): Promise<boolean> =>
  bench.files.exists(`${row.folder}/${name}`);

describe('a file of an image', () => {
  test('is there for everyone, for a year, as what it is', async () => {
    const answer = await fetchFile('original.png');
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(image.bytes),
      'cache-control': 'public, max-age=31536000, immutable',
      etag: `"${image.sha256}"`,
      'content-disposition': 'inline; filename="original.png"',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'cross-origin',
    });
    const bytes = await answer.bytes();
    expect(sha256(bytes)).toBe(image.sha256);
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 1200, height: 630 });
  });

  test('comes in every size', async () => {
    expect(image.sizes.map(({ width }) => width)).toEqual([400, 800, 1200]);
    for (const { width, height, bytes, sha256: digest } of image.sizes) {
      const answer = await fetchFile(`${width}.webp`);
      expect(answer.headers.get('content-type')).toBe('image/webp');
      const body = await answer.bytes();
      expect([body.length, sha256(body)]).toEqual([bytes, digest]);
      expect(await sharp(body).metadata()).toMatchObject({ format: 'webp', width, height });
    }
  });

  test('is not sent to a client that has it', async () => {
    const etag = `"${image.sha256}"`;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await fetchFile('original.png', { headers: { 'if-none-match': known } });
      expect(answer.status).toBe(304);
      expect(answer.headers.get('etag')).toBe(etag);
      expect(answer.headers.get('cache-control')).toContain('immutable');
      expect(await answer.text()).toBe('');
    }
    expect((await fetchFile('original.png', { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  test('can be asked about without its bytes', async () => {
    const answer = await fetchFile('800.webp', { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('image/webp');
    expect(answer.headers.get('content-length')).toBe(String(image.sizes[1]?.bytes));
    expect(await answer.text()).toBe('');
    expect((await fetchFile('nothing.webp', { method: 'HEAD' })).status).toBe(404);
  });

  test.each([
    'original.jpg',
    'original.webp',
    '799.webp',
    '0.webp',
    '..%2foriginal.png',
    '..%2f..%2f..%2fsecret.key',
    'original.png%00',
    'original.png.part',
    '%ff',
  ])('is not called %s', async (name) => {
    const answer = await fetchFile(name);
    expect([400, 404]).toContain(answer.status);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('of an image that nobody made is not found', async () => {
    const answer = await fetch(`${server.url}/media/${UNKNOWN_ID}/original.png`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code: 'not_found' });
  });

  test('can be read and nothing else', async () => {
    expect((await fetchFile('original.png', { method: 'DELETE' })).status).toBe(405);
    expect((await fetchFile('original.png', { method: 'PUT', body: 'x' })).status).toBe(405);
  });

  test('that is gone from the storage is not found, and no cache keeps that', async () => {
    const [lost] = await bench.draw('Soon gone', { stepPath: 'gone' });
    await bench.files.delete(`${lost?.folder}/original.png`);
    const answer = await fetch(`${server.url}/media/${lost?.id}/original.png`);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('waits for a storage that is away, without saying where it is', async () => {
    const { root } = server.config.files;
    renameSync(root, `${root}-away`);
    writeFileSync(root, 'no folder');
    const answer = await fetchFile('original.png');
    renameSync(`${root}-away`, `${root}-back`);
    renameSync(root, `${root}-file`);
    renameSync(`${root}-back`, root);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(await answer.text()).not.toContain(root);
    expect((await fetchFile('original.png')).status).toBe(200);
  });
});

describe('an image', () => {
  test('is described with its addresses, sizes and alternative text', async () => {
    const { status, body } = await editor.get(`/api/v1/images/${image.id}`);
    expect(status).toBe(200);
    const url = `https://journal.example/media/${image.id}`;
    expect(body).toMatchObject({
      id: image.id,
      url: `${url}/original.png`,
      alt: 'Title card: All about ferns',
      width: 1200,
      height: 630,
      origin: 'title_card',
      model: null,
      style: 'illustration',
      prompt: 'A fern',
      content_id: null,
      run_id: image.run_id,
      sizes: [
        { width: 400, height: 210, url: `${url}/400.webp`, content_type: 'image/webp' },
        { width: 800, height: 420, url: `${url}/800.webp` },
        { width: 1200, height: 630, url: `${url}/1200.webp` },
      ],
    });
  });

  test('has an id that says nothing about the time or the others', () => {
    // Version 4: random but for six bits.
    expect(image.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('of another workspace is not there', async () => {
    const stranger = await server.signIn({ email: 'stranger@example.com', workspace: 'elsewhere' });
    expect((await stranger.get(`/api/v1/images/${image.id}`)).status).toBe(404);
    const [other] = await server.system.many<{ id: string }>(
      sql`select id from workspaces where slug = 'elsewhere'`,
    );
    const seen = await bench.store.read(workerPrincipal(other?.id ?? ''), (db) =>
      db.many(sql`select 1 from images`),
    );
    expect(seen).toEqual([]);
  });

  test('belongs to the content that its run wrote, in the order in which it was made', async () => {
    const { body } = await editor.post('/api/content', { title: 'Ferns', content: 'Ferns.', submit: false });
    const { runId, workspaceId } = bench.place;
    const attached = await bench.store.write(workerPrincipal(workspaceId), (tx) =>
      attachImages(tx, runId, body.id),
    );
    expect(attached).toBeGreaterThan(0);
    const images = await bench.store.read(workerPrincipal(workspaceId), (db) => listImages(db, body.id));
    expect(images.map(({ id }) => id)).toContain(image.id);
    expect((await editor.get(`/api/v1/images/${image.id}`)).body.content_id).toBe(body.id);
  });
});

describe('a step that stores images', () => {
  test('finds what it made before, and makes nothing anew', async () => {
    const again = await bench.draw('Another title altogether');
    expect(again.map(({ id, sha256: digest }) => [id, digest])).toEqual([[image.id, image.sha256]]);
    expect(await rowsOf(bench.place.stepPath)).toHaveLength(1);
  });

  test('that two tries do at once stores one image, and leaves no file of the other', async () => {
    const place = { ...bench.place, stepPath: 'twice/at.once' };
    const tries = await Promise.all(['One try', 'Other try'].map((title) => bench.make(title, 2)));
    const ready = await Promise.all(tries.map(({ images }) => writeImageFiles(bench.files, place, images)));
    const stored = await Promise.all(tries.map(({ images }) => storeImages(bench, place, images)));
    expect(stored[0]?.map(({ id }) => id)).toEqual(stored[1]?.map(({ id }) => id));
    expect(await rowsOf('twice/at.once')).toHaveLength(2);
    for (const row of stored[0] ?? []) {
      const found = await bench.files.get(`${row.folder}/original.png`);
      expect(sha256(found ? await buffer(found.stream) : Buffer.of())).toBe(row.sha256);
    }
    const kept = new Set(stored[0]?.map(({ folder }) => folder));
    const losers = ready.flat().filter(({ folder }) => !kept.has(folder));
    expect(losers.length).toBeGreaterThan(0);
    for (const loser of losers) expect(await holds(loser, 'original.png')).toBe(false);
  });

  test('that died before its row was there is repeated with the same files', async () => {
    const place = { ...bench.place, stepPath: 'died' };
    const { images } = await bench.make('Died too soon');
    const [ready] = await writeImageFiles(bench.files, place, images);
    expect(await rowsOf('died')).toEqual([]);
    const [row] = await storeImages(bench, place, (await bench.make('Died too soon')).images);
    expect(row?.folder).toBe(ready?.folder);
    expect((await fetch(`${server.url}/media/${row?.id}/original.png`)).status).toBe(200);
  });
});
