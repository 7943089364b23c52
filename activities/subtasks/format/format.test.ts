import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { marked } from 'marked';
import { formatBeside } from './beside.ts';
import { formatText, type Format, type FormatStyle } from './format.ts';

const FORMATS: readonly Format[] = ['markdown', 'html', 'rst'];
const STYLES: readonly FormatStyle[] = ['blog', 'documentation', 'email'];
const ARTICLES = new URL('../../../test/fixtures/articles/', import.meta.url);
const articles = readdirSync(ARTICLES).map((name): [string, string] => [
  name,
  readFileSync(new URL(name, ARTICLES), 'utf8'),
]);

const to = (format: Format, style: FormatStyle) => (content: string) =>
  formatText({ content, format, style });
const markdown = to('markdown', 'blog');
const rst = to('rst', 'blog');

/** Pieces that Markdown is made of, and pieces that attack what reads it. */
const PIECES = [
  'a;;word;; ;; ;;\n;;\n\n;;    ;;\t;;*;;**;;_;;~~;;`;;```;;\\;;<;;>;;&;;[;;];;(;;);;!;;#;;## ;;- ;;+ ;;1. ;;1) ;;> ;;|;;---;;===',
  ':-;;::;;.. ;;[x] ;;[a](b);;![i](p.png);;[r]: /u "t"\n;;[r];;<b>;;</b>;;<br>;;<!--;;-->;;<div>;;<script>alert(1)</script>',
  '<script;;</script>;;<img src=x onerror=alert(1)>;;javascript:alert(1);;[x](javascript:alert(1));;&lt;script&gt;;;&#60;',
  '[x](java&#115;cript&colon;alert(1));;\r\n;;é;;漢字;;https://a.example/x_y;;www.a.example;;me@a.example;;";;\';;…',
  '| a | b |\n|---|---|\n| c | d |\n;;.. raw:: html\n\n   <script>',
].flatMap((line) => line.split(';;'));
const hostile = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...PIECES) },
      fc.string({ maxLength: 5, unit: 'binary' }),
    ),
    {
      maxLength: 40,
    },
  )
  .map((pieces) => pieces.join(''));

/** What a browser would run, found in HTML or in what a reader of Markdown makes of it. */
const DANGERS = /<script|<img[^>]*\son|<iframe|(?:href|src)="\s*(?:javascript|data|vbscript):/i;

describe('any text whatever', () => {
  test('is formatted without an error, and bears no HTML that runs', () => {
    fc.assert(
      fc.property(
        hostile,
        fc.constantFrom(...FORMATS),
        fc.constantFrom(...STYLES),
        (content, format, style) => {
          const made = formatText({ content, format, style });
          if (format === 'html') expect(made).not.toMatch(DANGERS);
          if (format === 'markdown')
            expect(formatText({ content: made, format: 'html', style: 'blog' })).not.toMatch(DANGERS);
        },
      ),
      { numRuns: 1_500 },
    );
  });

  test('in its normal form stays as it is', () => {
    fc.assert(
      fc.property(hostile, (content) => {
        const once = markdown(content);
        expect(markdown(once)).toBe(once);
      }),
      { numRuns: 1_500 },
    );
  });

  test('has no raw script in its normal form', () => {
    fc.assert(
      fc.property(hostile, (content) => {
        // Read as Markdown, not by a pattern: code may be fenced inside lists and quotes, and shows as `&lt;`.
        expect(marked.parse(markdown(content), { async: false })).not.toMatch(/<script/i);
      }),
      { numRuns: 1_000 },
    );
  });

  test('that nests too deep comes back as it was typed', () => {
    const deep = `${'> '.repeat(20_000)}<script>`;
    expect(formatText({ content: deep, format: 'html', style: 'blog' })).toMatch(/^<pre>&gt; /);
    expect(markdown(deep)).toMatch(/^```\n> /);
    expect(rst(deep)).toMatch(/^::\n\n {3}> /);
  });

  test('that takes too long is given up', async () => {
    const content = '_a_'.repeat(60_000);
    const wish = { content, format: 'html', style: 'blog' } as const;
    await expect(formatBeside(wish, new AbortController().signal, 300)).rejects.toMatchObject({
      type: 'content_too_complex',
      nonRetryable: true,
    });
  });

  test('is formatted beside the event loop as it is on it', async () => {
    const wish = { content: '# A\n\nB *c*.', format: 'rst', style: 'blog' } as const;
    expect(await formatBeside(wish, new AbortController().signal)).toBe(formatText(wish));
  });
});

const words = (html: string): string =>
  html
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

describe('an article', () => {
  test.each(articles)('%s says the same in its normal form', (_name, content) => {
    const once = markdown(content);
    expect(markdown(once)).toBe(once);
    expect(words(to('html', 'blog')(once))).toBe(words(to('html', 'blog')(content)));
  });
});

describe('Markdown', () => {
  test.each([
    ['Title\n=====\n\nText', '# Title\n\nText\n'],
    ['* a\n* b', '- a\n- b\n'],
    ['2) a\n3) b', '2. a\n3. b\n'],
    ['    code', '```\ncode\n```\n'],
    ['__b__ _e_', '**b** *e*\n'],
    ['[r]\n\n[r]: /u "t"', '[r](/u "t")\n'],
    ['a  \nb', 'a\\\nb\n'],
    ['a\nb', 'a b\n'],
    ['- [x] done', '- [x] done\n'],
    ['snake_case and 2 * 3', 'snake_case and 2 * 3\n'],
    ['***', '---\n'],
    ['a <kbd>x</kbd> <script>alert(1)</script>', 'a x\n'],
    ['[x](javascript:alert(1))', 'x\n'],
    ['1\\. no list', '1\\. no list\n'],
    ['- a\n\n* b', '- a\n\n* b\n'],
  ])('%j becomes %j', (before, after) => {
    expect(markdown(before)).toBe(after);
  });
});

describe('reStructuredText', () => {
  test.each([
    ['# A\n\n### B\n\n## C', 'A\n====\n\nB\n----\n\nC\n----\n'],
    ['**b** *e* `c`', '**b** *e* ``c``\n'],
    ['un*frigging*believable', 'un\\ *frigging*\\ believable\n'],
    ['[t](https://a.example "x")', '`t <https://a.example>`__\n'],
    ['a * b | c_ `x`', 'a \\* b \\| c\\_ ``x``\n'],
    ['- a\n  - b', '- a\n\n  - b\n'],
    ['3. a\n4. b', '3. a\n4. b\n'],
    ['> q', '..\n\n   q\n'],
    ['```js\nx\n```', '.. code-block:: js\n\n   x\n'],
    ['![d](/i.png)', '.. image:: /i.png\n   :alt: d\n'],
    ['a ![d](/i.png) b', 'a |image 1| b\n\n.. |image 1| image:: /i.png\n   :alt: d\n'],
    [
      '| a | b |\n|---|---|\n| c | d |',
      '.. list-table::\n   :header-rows: 1\n\n   * - a\n     - b\n   * - c\n     - d\n',
    ],
    ['.. raw:: html', '\\.. raw:: html\n'],
    ['ends with::', 'ends with:\\:\n'],
    ['a &lt; b &amp; c', 'a < b & c\n'],
    ['---\n\na\n\n---', 'a\n'],
    ['漢字\n====', '漢字\n====\n'],
  ])('%j becomes %j', (before, after) => {
    expect(rst(before)).toBe(after);
  });
});

const GUIDE =
  '## Guide\n\n## Why `it` works\n\nBecause.\n\n### In depth\n\nYes.\n\n## Why `it` works\n\nAgain.';

describe('documentation', () => {
  test('has a title and a table of contents whose anchors are there', () => {
    const html = to('html', 'documentation')(GUIDE);
    expect(html).toMatch(/^<h1 id="guide">Guide<\/h1>\n<p><strong>Contents<\/strong><\/p>/);
    const anchors = [...html.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(anchors).toEqual(['why-it-works', 'in-depth', 'why-it-works-1']);
    for (const id of anchors) expect(html).toContain(` id="${id}"`);
    const made = to('markdown', 'documentation')(GUIDE);
    expect(made).toMatch(
      /^# Guide\n\n\*\*Contents\*\*\n\n- \[Why it works\]\(#why-it-works\)\n {2}- \[In depth\]\(#in-depth\)/,
    );
    expect(to('rst', 'documentation')(GUIDE)).toMatch(
      /^Guide\n=====\n\n\.\. contents:: Contents\n {3}:depth: 2\n\nWhy/,
    );
  });

  test('takes its title from its first words where it has none', () => {
    expect(to('markdown', 'documentation')('Some words.\n\n# Part')).toBe(
      '# Some words.\n\n**Contents**\n\n- [Part](#part)\n\nSome words.\n\n## Part\n',
    );
  });
});

describe('a mail', () => {
  const LETTER = `# Hello\n\nSee [the *site*](https://a.example/x_y) ![logo](l.png), ${'word '.repeat(30)}- end.\n\n| a | b |\n|---|---|\n| 1 | 2 |`;

  test('has no pictures, and links as text with their address', () => {
    for (const format of FORMATS) {
      const made = to(format, 'email')(LETTER);
      expect(made).toContain('the site');
      expect(made.replace(/\\/g, '')).toContain('(https://a.example/x_y)');
      expect(made).not.toMatch(/<a |<img|logo|l\.png|\]\(/);
      expect(made).toContain('a: 1; b: 2');
    }
  });

  test('has lines that fit, none of which begins a list by chance', () => {
    for (const format of ['markdown', 'rst'] as const) {
      const lines = to(format, 'email')(LETTER).split('\n');
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(74);
      expect(lines.some((line) => line.startsWith('- end'))).toBe(false);
    }
  });
});
