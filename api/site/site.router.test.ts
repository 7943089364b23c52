import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { DEFAULT_THEME } from '../../domain/settings/theme.ts';
import { aList, aPost } from './post.builder.ts';
import type { SiteReader } from './reader.ts';
import { siteRouterOn } from './site.router.ts';

const PUBLIC_URL = 'https://site.example';

describe('the site over HTTP, on posts in memory', () => {
  const posts = [aPost(), aPost({ slug: '名前', title: '名前' })];
  const reader: SiteReader = {
    siteId: async () => posts[0]?.id ?? '',
    settings: async () => ({
      app_name: 'A & B',
      language: 'en',
      timezone: 'UTC',
      theme: DEFAULT_THEME,
    }),
    listPosts: async (filter, page) =>
      page > 1 || (filter && filter.slug !== 'craft')
        ? undefined
        : aList({ posts, of: filter && (posts[0]?.category ?? null) }),
    findPost: async (slug) => {
      if (slug === 'broken') throw new Error('no database');
      return posts.find((post) => post.slug === slug);
    },
    newest: async () => posts,
    sitemapEntries: async () => posts,
    categories: async () => [],
  };
  let server: Server;
  let base: string;
  const get = (at: string, init: RequestInit = {}): Promise<Response> =>
    fetch(base + at, { redirect: 'manual', ...init });

  beforeAll(async () => {
    server = createServer(express().set('env', 'test').use(siteRouterOn(reader, PUBLIC_URL)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test.each([
    ['/posts', 'text/html'],
    ['/posts?page=1', 'text/html'],
    ['/posts/a-title', 'text/html'],
    ['/posts/%E5%90%8D%E5%89%8D', 'text/html'],
    ['/posts/category/craft', 'text/html'],
    ['/posts/tag/craft', 'text/html'],
    ['/posts/feed.xml', 'application/atom+xml'],
    ['/posts/sitemap.xml', 'application/xml'],
    ['/sitemap.xml', 'application/xml'],
    ['/robots.txt', 'text/plain'],
    ['/posts/style.css', 'text/css'],
    ['/posts/icon.svg', 'image/svg+xml'],
  ])('%s is there, cacheable, and answers 304 to who has it', async (at, type) => {
    const answer = await get(at);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=30');
    expect(answer.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'self'; img-src/,
    );
    const etag = answer.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    const again = await get(at, { headers: { 'If-None-Match': `"other", ${etag}` } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    expect((await get(at, { headers: { 'If-None-Match': `W/${etag}` } })).status).toBe(304);
    expect((await get(at, { headers: { 'If-None-Match': '"other"' } })).status).toBe(200);
    const head = await get(at, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers.get('etag')).toBe(etag);
    expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(await answer.text())));
    expect(await head.text()).toBe('');
  });

  test.each([
    '/posts/unknown',
    '/posts/category',
    '/posts/tag',
    '/posts/category/unknown',
    '/posts/a-title/more',
    '/posts?page=2',
    '/posts?page=0',
    '/posts?page=-1',
    '/posts?page=01',
    '/posts?page=1.5',
    '/posts?page=x',
    '/posts?page=',
    '/posts?page=1&page=2',
    '/posts?page=99999999999999999999',
    '/posts/%00',
  ])('%s is a friendly 404', async (at) => {
    const answer = await get(at);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('etag')).toBeNull();
    expect(await answer.text()).toContain('There is nothing here');
  });

  test('the root leads to the posts', async () => {
    const answer = await get('/');
    expect(answer.status).toBe(302);
    expect(answer.headers.get('location')).toBe('/posts');
  });

  test('other methods are left to others', async () => {
    expect(await (await get('/posts', { method: 'POST' })).text()).not.toContain('There is nothing here');
  });

  test('a source that fails is left to the error handler', async () => {
    expect((await get('/posts/broken')).status).toBe(500);
  });
});
