import { describe, expect, test } from '@jest/globals';
import { plainFromHtml, readable } from './readable.ts';

const paragraph = 'A paragraph of some length, with a sentence in it, and another & more. Then it ends.';

describe('the readable text of a page', () => {
  test('is its paragraphs, in the region that the page calls its main one', () => {
    const html = `<body><header><p>${paragraph}</p></header><p>Outside. ${paragraph}</p>
      <article><h2>Heading</h2><p>First: ${paragraph.replace('&', '&amp;')}</p><div>Second: <b>${paragraph}</b> <a href="x">link</a></div>
      <aside><p>${paragraph}</p></aside></article><article><p>Short.</p></article></body>`;
    expect(readable(html).text.split('\n')).toEqual([`First: ${paragraph}`, `Second: ${paragraph} link`]);
  });

  test('is all of it where there is no such region, without lists of links', () => {
    const links = `<ul><li><a href="/">${paragraph}</a></li></ul>`;
    expect(readable(`${links}<p>${paragraph}<p>Other: ${paragraph}`).text.split('\n')).toEqual([
      paragraph,
      `Other: ${paragraph}`,
    ]);
  });

  test('comes with what the page says of itself', () => {
    const html = `<title>Fish &amp; chips</title><meta content='The Paper' property="og:site_name">
      <meta property="article:published_time" content="2026-02-03T04:05:06+02:00">`;
    expect(readable(html)).toEqual({
      text: '',
      title: 'Fish & chips',
      publisher: 'The Paper',
      publishedAt: '2026-02-03T02:05:06.000Z',
    });
    expect(readable('<meta name="date" content="yesterday">').publishedAt).toBeNull();
  });

  test.each(['<div>', '<', '<a>x', '<ul><li>', '<p a="', '<meta ', '<!--', '</p>', '<article><p>x', '&amp;'])(
    'of two million characters of %j takes a moment, not a minute',
    (piece) => {
      const began = performance.now();
      readable(piece.repeat(2_000_000 / piece.length));
      expect(performance.now() - began).toBeLessThan(10_000);
    },
  );
});

test('a piece of HTML as text has neither tags nor entities', () => {
  expect(plainFromHtml('<strong>Fish</strong> &amp; &lt;chips&gt; it&#x27;s<script>x</script>\n a')).toBe(
    "Fish & <chips> it's a",
  );
});
