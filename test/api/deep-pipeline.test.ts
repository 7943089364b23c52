import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startResearchDouble, type ResearchDouble } from '../doubles/research-double.ts';
import type { ApiClient } from '../harness/client.ts';
import { awaitApproval, awaitEnd, startPipeline } from '../harness/pipeline.ts';
import { resultsAt } from '../harness/research.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let client: ApiClient;
let double: ResearchDouble;

beforeAll(async () => {
  double = await startResearchDouble('searxng');
  double.find(resultsAt(double.url, 3));
  server = await startTestServer({
    research: 'searxng',
    searxngUrl: double.url,
    outgoingAllow: [new URL(double.url).host],
  });
  client = await server.signIn();
  await server.startWorker();
});
afterAll(async () => {
  await server?.close();
  await double?.close();
});

const stepsOf = async (runId: string) => (await client.get(`/api/v1/runs/${runId}`)).body.steps;

describe('the whole pipeline', () => {
  test('researches, judges, revises three times, describes and illustrates; the best draft goes on, marked', async () => {
    const { taskId, runId } = await startPipeline(client, 'Looms of the north', {
      quality: { threshold: 100 },
      image: 'auto',
    });
    const { approval_id, revision } = await awaitApproval(client, taskId);
    // One draft, three revisions of it, and the one that carries description and image.
    expect(revision).toBe(5);
    const { body: approval } = await client.get(`/api/v1/approvals/${approval_id}`);
    expect(approval.shown).toMatchObject({ below_threshold: true, quality_score: expect.any(Number) });
    const paths: string[] = (await stepsOf(runId)).map(({ path }: { path: string }) => path);
    expect(paths.filter((path) => path.startsWith('judge.'))).toHaveLength(4);
    await client.post(`/api/orchestrator/approve/${taskId}`, { approved: true });
    const run = await awaitEnd(client, runId);
    const { body: content } = await client.get(`/api/content/${run.output.content_id}`);
    expect(content).toMatchObject({ below_threshold: true, quality_score: content.judgement.score });
    expect(content.judgement).toMatchObject({ passed: false, model: null });
    expect(content.judgement.reasons.map(({ source }: { source: string }) => source)).not.toContain('model');
    expect(content.seo_description.length).toBeLessThanOrEqual(155);
  });

  test('shows the best of its drafts, not the last', async () => {
    const { taskId, runId } = await startPipeline(client, 'Looms of the south', {
      quality: { threshold: 100, max_revisions: 2 },
    });
    await awaitApproval(client, taskId);
    const { items } = (await client.get(`/api/v1/runs/${runId}/events`)).body;
    const judged = items.filter(({ type }: { type: string }) => type === 'content.judged');
    const best = Math.max(...judged.map(({ data }: { data: { score: number } }) => data.score));
    const finished = items.findLast(({ type }: { type: string }) => type === 'content.revised');
    expect(finished.data.score).toBe(best);
  });

  test('stores what research found beside the text, and publishes an image with words and sizes', async () => {
    const { taskId, runId } = await startPipeline(client, 'Looms of the east', { image: 'auto' });
    await awaitApproval(client, taskId);
    await client.post(`/api/orchestrator/approve/${taskId}`, { approved: true });
    const run = await awaitEnd(client, runId);
    const { body: content } = await client.get(`/api/content/${run.output.content_id}`);
    expect(content.sources.length).toBeGreaterThan(0);
    expect(content.sources[0]).toMatchObject({
      n: 1,
      provider: 'searxng',
      passages: expect.arrayContaining([expect.stringContaining('pots need holes')]),
    });
    const { body: post } = await client.get(`/api/posts/${run.output.slug}`);
    expect(post.featured_image).toMatchObject({
      alt: expect.stringContaining('Looms of the east'),
      width: 1200,
    });
    const path = new URL(post.featured_image_url).pathname;
    const image = await fetch(server.url + path);
    expect([image.status, image.headers.get('content-type')]).toEqual([200, 'image/png']);
    const small = await fetch(server.url + new URL(post.featured_image.sizes[0].url).pathname);
    expect(small.headers.get('content-type')).toBe('image/webp');
    const page = await client.get(`/posts/${run.output.slug}`);
    expect(page.body).toMatch(/<img[^>]*srcset="[^"]+400\.webp 400w[^>]*alt="[^"]*Looms of the east/);
  });

  test('goes on without sources and says why when there are none', async () => {
    double.next({ kind: 'status', status: 500 });
    const { taskId, runId } = await startPipeline(client, 'Looms of the west');
    await awaitApproval(client, taskId);
    const { items } = (await client.get(`/api/v1/runs/${runId}/events`)).body;
    const research = items.find(
      ({ type, data }: { type: string; data: { step: string } }) =>
        type === 'step.completed' && data.step === 'research',
    );
    expect(research.data.note).toMatch(/^no sources: /);
  });

  test('compares a draft with the posts that exist', async () => {
    const again = await startPipeline(client, 'Looms of the east');
    await awaitApproval(client, again.taskId);
    const { body: approval } = await client.get(`/api/orchestrator/approval/${again.taskId}`);
    const { body: shown } = await client.get(`/api/v1/approvals/${approval.approval_id}`);
    const { body: content } = await client.get(`/api/content/${shown.subject_id}`);
    const similarity = content.judgement.parts.find(({ name }: { name: string }) => name === 'originality');
    expect(similarity.value).toBeGreaterThan(0.9);
  });
});
