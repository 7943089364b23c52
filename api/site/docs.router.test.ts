import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { createDocsRouter } from './docs.router.ts';

describe('the documentation', () => {
  let server: Server;
  let base: string;
  let asked = 0;
  const get = (at: string, init: RequestInit = {}): Promise<Response> => fetch(base + at, init);

  beforeAll(async () => {
    const specJson = (): object => {
      asked++;
      return { openapi: '3.1.0' };
    };
    const router = createDocsRouter({ specJson, specYaml: () => 'openapi: 3.1.0\n' });
    server = createServer(express().use(router));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test.each(['/docs', '/redoc'])(
    '%s loads nothing from elsewhere, and all that it loads is there',
    async (at) => {
      const answer = await get(at);
      const page = await answer.text();
      expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'; ");
      expect(page).not.toMatch(/<script>|https?:\/\//);
      const assets = [...page.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g)].map(([, asset]) => asset ?? '');
      expect(assets.length).toBeGreaterThan(2);
      for (const asset of assets) {
        const file = await get(asset);
        expect([asset, file.status, file.headers.get('x-content-type-options')]).toEqual([
          asset,
          200,
          'nosniff',
        ]);
        expect(file.headers.get('content-type')).toMatch(
          asset.includes('.css') ? /^text\/css/ : /^text\/javascript/,
        );
        expect(file.headers.get('etag')).toBeTruthy();
        expect((await file.text()).length).toBeGreaterThan(50);
      }
    },
  );

  test('the specification comes as JSON and YAML, is made once, and is not sent twice', async () => {
    const json = await get('/api/v1/openapi.json');
    expect(json.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await json.json()).toEqual({ openapi: '3.1.0' });
    const again = await get('/api/v1/openapi.json', {
      headers: { 'If-None-Match': json.headers.get('etag') ?? '' },
    });
    expect(again.status).toBe(304);
    expect(asked).toBe(1);
    const yaml = await get('/openapi.yaml');
    expect(yaml.headers.get('content-type')).toBe('application/yaml; charset=utf-8');
    expect(await yaml.text()).toBe('openapi: 3.1.0\n');
  });

  test.each([
    '/docs/assets/package.json',
    '/docs/assets/..%2fpackage.json',
    '/docs/assets/swagger-ui-bundle.js.map',
    '/docs/assets/',
  ])('%s is not served: only what the pages need is', async (at) => {
    expect((await get(at)).status).toBe(404);
  });
});
