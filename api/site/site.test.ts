import { describe, expect, test } from '@jest/globals';
import { contrast, DEFAULT_THEME } from '../../domain/settings/theme.ts';
import type { PostRow } from '../../store/content/posts.repository.ts';
import { atomFeed, robots, sitemap } from './feeds.ts';
import { html, jsonForScript, path, type Site } from './page.ts';
import { listPage, notFoundPage, postPage } from './posts.pages.ts';
import { aList, aPost } from './post.builder.ts';
import { styleSheet } from './style.ts';

const SITE: Site = {
  name: 'A & B',
  publicUrl: 'https://site.example',
  language: 'en',
  timeZone: 'UTC',
  theme: DEFAULT_THEME,
};
const FEED_ID = '5f3c9e2a-7f0e-5d57-9b58-0a3f8f5a1c11';

/** Text that breaks out of every context that forgets to escape. */
const EVIL = `"><script>alert('x')</script></title></script>&amp;<!--]]>`;

const evilPost = aPost({
  title: EVIL,
  excerpt: EVIL,
  seo_title: EVIL,
  seo_description: EVIL,
  featured_image_url: `https://img.example/${EVIL}`,
  category: { id: '1', name: EVIL, slug: EVIL },
  tags: [{ id: '2', name: EVIL, slug: EVIL }],
  slug: EVIL,
});

const attribute = (page: string, pattern: RegExp): string | undefined => pattern.exec(page)?.[1];

/** A small XML reader: throws unless tags nest, attributes are quoted and references are known. @returns the element names. */
const parseXml = (text: string): string[] => {
  const names: string[] = [];
  const open: string[] = [];
  const token = /<\?xml [^?]*\?>|<\/([\w:]+)>|<([\w:]+)((?:\s+[\w:]+="[^"<]*")*)\s*(\/?)>|([^<]+)|(<)/g;
  for (const [whole, closed, opened, attributes = '', single, characters, stray] of text.matchAll(token)) {
    if (stray) throw new Error(`a stray < before ${names.at(-1)}`);
    if (/&(?!(amp|lt|gt|quot|#39);)/.test(characters ?? attributes))
      throw new Error(`an unknown reference: ${whole}`);
    if (characters?.trim() && open.length === 0) throw new Error('text outside the root');
    if (opened) names.push(opened);
    if (opened && !single) open.push(opened);
    if (closed && open.pop() !== closed) throw new Error(`</${closed}> closes nothing`);
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(', ')}`);
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text)) throw new Error('a forbidden character');
  return names;
};

describe('templates', () => {
  test('escape everything but what is HTML already, and join lists', () => {
    const part = html`<b title="${'"\'&<>'}">${['<', html`<i></i>`, null, undefined, false, 0]}</b>`;
    expect(part.markup).toBe('<b title="&quot;&#39;&amp;&lt;&gt;">&lt;<i></i>0</b>');
  });

  test('drop what neither HTML nor XML can hold', () => {
    expect(html`${'a\u0000b\u001fc\ud800d\uffff\n\t'}`.markup).toBe('abc\ufffdd\n\t');
  });

  test('data blocks hold any JSON and end only where they should', () => {
    const { markup } = jsonForScript({ text: `${EVIL}\u2028` });
    expect(markup).not.toMatch(/[<>&\u2028]/);
    expect(JSON.parse(markup)).toEqual({ text: `${EVIL}\u2028` });
  });
});

describe('the page of a post', () => {
  test('escapes every field, wherever it stands', () => {
    const page = postPage(evilPost, '<p>body</p>', SITE);
    expect(page).not.toContain('<script>');
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page.match(/<\/script>/g)).toHaveLength(1);
    expect(page.match(/<\/title>/g)).toHaveLength(1);
    expect(page).not.toContain('<!--');
    expect(page).toContain('<p>body</p>');
  });

  test('says where it lives, what it is about and when it was written', () => {
    const page = postPage(aPost({ seo_title: 'Better', seo_description: 'About looms' }), '', SITE);
    expect(page).toContain('<title>Better · A &amp; B</title>');
    expect(page).toContain('<meta name="description" content="About looms" />');
    expect(page).toContain('<link rel="canonical" href="https://site.example/posts/a-title" />');
    expect(page).toContain('<meta property="og:title" content="Better" />');
    expect(page).toContain('<h1 dir="auto">A title</h1>');
    expect(page).toContain('<time datetime="2026-03-01T10:00:00.000Z">March 1, 2026</time>');
    expect(page).toContain('href="/posts/category/craft"');
    expect(page).toContain('href="/posts/tag/looms"');
    expect(page.match(/<h1/g)).toHaveLength(1);
  });

  test('describes itself as an Article', () => {
    const page = postPage(aPost({ featured_image_url: '/i.png' }), '', SITE);
    const data = JSON.parse(
      attribute(page, /<script type="application\/ld\+json">([\s\S]*?)<\/script>/) ?? '',
    ) as object;
    expect(data).toMatchObject({
      '@type': 'Article',
      headline: 'A title',
      description: 'An excerpt',
      image: 'https://site.example/i.png',
      mainEntityOfPage: 'https://site.example/posts/a-title',
      datePublished: '2026-03-01T10:00:00.000Z',
      keywords: ['Looms'],
    });
  });

  test('needs nothing but a title and a text', () => {
    const page = postPage(aPost({ category: null, tags: [], excerpt: null }), '<p>x</p>', SITE);
    expect(page).not.toMatch(/null|undefined|false|description|class="tags"|\/category\//);
  });

  test.each(['javascript:alert(1)', 'data:image/png;base64,AA', 'http://', ''])(
    'has no image at %j that is none',
    (url) => {
      const image = attribute(
        postPage(aPost({ featured_image_url: url }), '', SITE),
        /class="lead" src="([^"]*)"/,
      );
      expect(image ?? 'https://site.example/').toMatch(/^https:\/\/site\.example\//);
    },
  );

  test('says that it was changed only when that was later than the day of its birth', () => {
    expect(postPage(aPost(), '', SITE)).not.toContain('Last changed');
    expect(postPage(aPost({ updated_at: new Date('2026-04-01T00:00:00Z') }), '', SITE)).toContain(
      'Last changed',
    );
  });
});

describe('lists', () => {
  test('escape every field', () => {
    const of = { id: '1', name: EVIL, slug: EVIL };
    const page = listPage(aList({ posts: [evilPost], of }), { by: 'category', slug: EVIL }, [of], SITE);
    expect(page).not.toMatch(/<script|<!--/);
  });

  test('have one address each: the first page has no number, and a slug has one spelling', () => {
    const canonical = /rel="canonical" href="([^"]*)"/;
    expect(attribute(listPage(aList(), null, [], SITE), canonical)).toBe('https://site.example/posts');
    expect(attribute(listPage(aList({ page: 3 }), null, [], SITE), canonical)).toBe(
      'https://site.example/posts?page=3',
    );
    const of = { id: '1', name: 'Ü', slug: 'ü-1' };
    const tagged = listPage(aList({ of }), { by: 'tag', slug: 'ü-1'.normalize('NFD') }, [], SITE);
    expect(attribute(tagged, canonical)).toBe('https://site.example/posts/tag/%C3%BC-1');
  });

  test('lead to the pages before and after, where there are any', () => {
    const middle = listPage(aList({ page: 2, pages: 3, hasMore: true }), null, [], SITE);
    expect(middle).toContain('<a rel="prev" href="/posts">');
    expect(middle).toContain('<a rel="next" href="/posts?page=3">');
    expect(middle).toContain('Page 2 of 3');
    const only = listPage(aList(), null, [], SITE);
    expect(only).not.toMatch(/rel="(prev|next)"/);
    expect(listPage(aList({ page: 2, pages: null, hasMore: true }), null, [], SITE)).toContain('Page 2<');
  });

  test('say so when there is nothing yet', () => {
    expect(listPage(aList({ posts: [] }), null, [], SITE)).toContain('Nothing has been published yet.');
  });

  test('mark the category that is shown', () => {
    const of = { id: '1', name: 'Craft', slug: 'craft' };
    const page = listPage(
      aList({ of }),
      { by: 'category', slug: 'craft' },
      [of, { ...of, slug: 'other' }],
      SITE,
    );
    expect(page.match(/aria-current="page"/g)).toHaveLength(1);
  });
});

test('what is not found is kept out of search engines and leads back', () => {
  const page = notFoundPage(SITE);
  expect(page).toContain('<meta name="robots" content="noindex" />');
  expect(page).not.toContain('canonical');
  expect(page).toContain('href="/posts"');
});

describe('files for machines', () => {
  const feedOf = (posts: PostRow[]): string =>
    atomFeed(posts, () => '<p>a &amp; b ]]&gt;</p>', SITE, FEED_ID);

  test('the feed is well-formed Atom, whatever the posts say', () => {
    const names = parseXml(
      feedOf([aPost(), evilPost, aPost({ category: null, tags: [], excerpt: null, title: '\u0001' })]),
    );
    expect(names[0]).toBe('feed');
    expect(names.filter((name) => name === 'entry')).toHaveLength(3);
    expect(names.filter((name) => name === 'id')).toHaveLength(4);
    expect(names.filter((name) => name === 'updated')).toHaveLength(4);
    expect(names).toContain('author');
  });

  test('the feed names itself, its posts and its latest change', () => {
    const feed = feedOf([aPost({ updated_at: new Date('2026-05-01T00:00:00Z') }), aPost()]);
    expect(feed).toContain(`<id>urn:uuid:${FEED_ID}</id>`);
    expect(feed).toContain('<id>urn:uuid:0190163d-8694-739b-aea5-966c26f8ad90</id>');
    expect(feed).toContain(
      'rel="self" type="application/atom+xml" href="https://site.example/posts/feed.xml"',
    );
    expect(attribute(feed, /<updated>([^<]*)/)).toBe('2026-05-01T00:00:00.000Z');
    expect(feed).toContain('&lt;p&gt;a &amp;amp; b ]]&amp;gt;&lt;/p&gt;');
  });

  test('an empty feed is valid and always the same', () => {
    expect(parseXml(feedOf([]))).toEqual([
      'feed',
      'id',
      'title',
      'link',
      'link',
      'updated',
      'author',
      'name',
    ]);
    expect(feedOf([])).toBe(feedOf([]));
  });

  test('the sitemap is well-formed and encodes its addresses', () => {
    const map = sitemap([{ slug: `ü&<'`, updated_at: new Date(0) }], SITE.publicUrl);
    expect(parseXml(map)).toEqual(['urlset', 'url', 'loc', 'url', 'loc', 'lastmod']);
    expect(map).toContain('<loc>https://site.example/posts/%C3%BC%26%3C&#39;</loc>');
  });

  test('the sitemap stays within what one may hold', () => {
    const entries = Array.from({ length: 50_001 }, (_, i) => ({ slug: `p${i}`, updated_at: new Date(0) }));
    expect(sitemap(entries, SITE.publicUrl).match(/<url>/g)).toHaveLength(50_000);
  });

  test('robots are shown the sitemap and kept out of the API', () => {
    expect(robots(SITE.publicUrl)).toMatch(/^User-agent: \*\nAllow: \/\nDisallow: \/api\//);
    expect(robots(SITE.publicUrl)).toContain('\nSitemap: https://site.example/sitemap.xml\n');
  });

  test('paths survive half a surrogate pair', () => {
    expect(path('tag', '\ud800/?')).toBe('/posts/tag/%EF%BF%BD%2F%3F');
  });
});

describe('a site that its workspace has made its own', () => {
  const own: Site = {
    ...SITE,
    language: 'de-AT',
    timeZone: 'Pacific/Auckland',
    theme: { scheme: 'dark', accent: '#ff0000' },
  };
  const evening = aPost({ published_at: new Date('2026-03-01T20:00:00Z') });

  test('says its language, and writes days in it and where it is', () => {
    for (const page of [postPage(evening, '', own), listPage(aList({ posts: [evening] }), null, [], own)]) {
      expect(page).toContain('<html lang="de-AT">');
      expect(page).toContain('<time datetime="2026-03-01T20:00:00.000Z">2. März 2026</time>');
    }
    expect(atomFeed([], () => '', own, FEED_ID)).toContain('xml:lang="de-AT"');
  });

  test('has the colour scheme that was chosen, and lets readers choose only where it says so', () => {
    expect(postPage(evening, '', own)).toContain('<meta name="color-scheme" content="dark" />');
    expect(styleSheet(own.theme)).toContain('color-scheme: dark;');
    expect(styleSheet(own.theme)).not.toContain('prefers-color-scheme');
    expect(styleSheet({ ...own.theme, scheme: 'light' })).toContain('color-scheme: light;');
    expect(styleSheet(DEFAULT_THEME)).toContain('@media (prefers-color-scheme: dark)');
  });

  test.each(['light', 'dark'] as const)('has an accent that can be read on %s paper', (scheme) => {
    const css = styleSheet({ scheme, accent: '#777777' });
    const colour = (name: string): string => attribute(css, new RegExp(`--${name}: (#[0-9a-f]{6})`)) ?? '';
    for (const paper of ['paper', 'tint'])
      expect(contrast(colour('accent'), colour(paper))).toBeGreaterThanOrEqual(4.5);
    expect(css.match(/--accent:/g)).toHaveLength(1);
  });
});
