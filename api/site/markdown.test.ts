import { describe, expect, test } from '@jest/globals';
import { createPostRenderer, renderMarkdown } from './markdown.ts';

const ATTACKS: readonly string[] = [
  '<script>alert(1)</script>',
  '<SCRIPT SRC=//evil.example/x.js></SCRIPT>',
  '<script\n>alert(1)</script\n>',
  '<script>alert(1)',
  '<scr<script>ipt>alert(1)</scr</script>ipt>',
  '<<script>alert(1)//<</script>',
  '</script><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<img/src=x/onerror=alert(1)>',
  '<img src="x" onerror="alert(1)"',
  '<img """><script>alert(1)</script>">',
  '<img src="`" onerror=alert(1) alt="`">',
  '<p onclick="alert(1)" ONMOUSEOVER=alert(1) style="background:url(javascript:alert(1))">x</p>',
  '<a href="javascript:alert(1)">x</a>',
  '<a href="JaVaScRiPt:alert(1)">x</a>',
  '<a href=" javascript:alert(1)">x</a>',
  '<a href="java\tscript:alert(1)">x</a>',
  '<a href="java&#x0A;script:alert(1)">x</a>',
  '<a href="&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)">x</a>',
  '<a href="&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;alert(1)">x</a>',
  '<a href="javascript&colon;alert(1)">x</a>',
  '<a href="\u0001javascript:alert(1)">x</a>',
  '<a href="jav\u0000ascript:alert(1)">x</a>',
  '<a href="vbscript:msgbox(1)">x</a>',
  '<a href="data:text/html,<script>alert(1)</script>">x</a>',
  '<a href="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">x</a>',
  '[x](javascript:alert(1))',
  '[x](javascript&#58;alert(1))',
  '[x](JAVASCRIPT:alert(1) "t")',
  '[x](<java\tscript:alert(1)>)',
  '[x]( javascript:alert(1))',
  '[x](data:text/html,<script>alert(1)</script>)',
  '[x](vbscript:alert(1))',
  '[x][r]\n\n[r]: javascript:alert(1)',
  '<javascript:alert(1)>',
  '![x](javascript:alert(1))',
  '![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+)',
  '![x" onerror="alert(1)](https://a.example/i.png)',
  '![x](https://a.example/i.png "t\\" onerror=\\"alert(1)")',
  '[x](https://a.example/"onmouseover="alert(1))',
  '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<svg><animate onbegin=alert(1) attributeName=x></svg>',
  '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
  '<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>',
  '<math href="javascript:alert(1)">x</math>',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<object data="data:text/html,<script>alert(1)</script>"></object><embed src="javascript:alert(1)">',
  '<form action="javascript:alert(1)"><button formaction="javascript:alert(1)">x</button></form>',
  '<input autofocus onfocus=alert(1)><textarea autofocus onfocus=alert(1)>x</textarea>',
  '<video><source onerror=alert(1)></video><audio src=x onerror=alert(1)></audio>',
  '<details open ontoggle=alert(1)><summary onclick=alert(1)>x</summary></details>',
  '<meta http-equiv="refresh" content="0;url=javascript:alert(1)"><base href="javascript:/">',
  '<link rel="stylesheet" href="javascript:alert(1)"><style>@import "javascript:alert(1)"</style>',
  '<body onload=alert(1)><html onmouseover=alert(1)>',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
  '<xmp><p title="</xmp><script>alert(1)</script>"></xmp>',
  '<template><script>alert(1)</script></template>',
  '<!--><script>alert(1)</script>-->',
  '<!-- --!><script>alert(1)</script> -->',
  '<![CDATA[<script>alert(1)</script>]]>',
  '<?xml-stylesheet href="javascript:alert(1)"?>',
  '`<script>alert(1)</script>`',
  '```"><script>alert(1)</script>\n</code><script>alert(1)</script>\n```',
  '# <script>alert(1)</script>\n\n# "><img src=x onerror=alert(1)>',
  '<h2 id="x" onclick="alert(1)">x</h2>',
  '| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |',
  '- [x] <script>alert(1)</script>',
  '<table background="javascript:alert(1)" onclick=alert(1)><tr><td style="x:expression(alert(1))">x',
  '<span class="task evil" style="position:fixed;inset:0">x</span>',
];

/** Every tag of a piece of HTML, the way a browser finds them. Text has its `<` escaped, so this can be simple. */
const tagsOf = (markup: string): string[] => markup.match(/<[^>]*>?/g) ?? [];

const TAG =
  /^<\/?(a|abbr|b|blockquote|br|code|dd|del|details|div|dl|dt|em|figcaption|figure|h[2-6]|hr|i|img|ins|kbd|li|mark|ol|p|pre|s|span|strong|sub|summary|sup|table|tbody|td|th|thead|tr|ul)((?:\s+[a-z]+(?:="[^"<>]*")?)*)\s*\/?>$/;
const ATTRIBUTE = /([a-z]+)(?:="([^"]*)")?/g;
const ALLOWED =
  'align alt aria class decoding height href id label loading open region rel role src start tabindex title width'.split(
    ' ',
  );

const faults = (markup: string): string[] =>
  tagsOf(markup.replaceAll('aria-label="Table"', '')).flatMap((tag) => {
    const attributes = TAG.exec(tag)?.[2];
    if (attributes === undefined) return [`not an allowed tag: ${tag}`];
    return [...attributes.matchAll(ATTRIBUTE)].flatMap(([, name = '', value = '']) => {
      if (!ALLOWED.includes(name)) return [`not an allowed attribute: ${tag}`];
      if (name !== 'href' && name !== 'src') return [];
      return isSafeUrl(value) ? [] : [`not an allowed address: ${tag}`];
    });
  });

/** Reads an attribute's value as a browser would. */
const decode = (text: string): string =>
  text
    .replace(/&#x([0-9a-f]+);?/gi, (_, hex: string) => String.fromCodePoint(parseInt(hex, 16)))
    .replace(/&#(\d+);?/g, (_, digits: string) => String.fromCodePoint(Number(digits)))
    .replaceAll('&colon;', ':')
    .replaceAll('&amp;', '&');

const isSafeUrl = (value: string): boolean =>
  ['http:', 'https:', 'mailto:'].includes(new URL(decode(value), 'https://site.example/posts/x').protocol);

describe('what a post may not do', () => {
  test.each(ATTACKS)('%j leaves nothing that a browser would run', (attack) => {
    expect(faults(renderMarkdown(attack))).toEqual([]);
    expect(faults(renderMarkdown(`before\n\n${attack}\n\nafter`))).toEqual([]);
    expect(faults(renderMarkdown(`before ${attack} after`))).toEqual([]);
    expect(faults(renderMarkdown(`> * ${attack}`))).toEqual([]);
    expect(faults(renderMarkdown(attack + attack))).toEqual([]);
  });

  test('the check itself finds what it looks for', () => {
    expect(faults('<script>')).not.toEqual([]);
    expect(faults('<img src="x" onerror="alert(1)">')).not.toEqual([]);
    expect(faults('<a href="java\tscript:alert(1)">')).not.toEqual([]);
    expect(faults('<a href="&#106;avascript&colon;alert(1)">')).not.toEqual([]);
    expect(faults('<svg')).not.toEqual([]);
  });

  test('images and links of unknown kinds lose their address, not their text', () => {
    expect(renderMarkdown('[click](javascript:alert(1))')).toContain('>click</a>');
    expect(renderMarkdown('[click](javascript:alert(1))')).not.toContain('href');
    expect(renderMarkdown('![x](data:image/png;base64,AAAA)')).not.toContain('<img');
    expect(renderMarkdown('[x](//evil.example)')).not.toContain('href');
  });
});

describe('what a post may do', () => {
  test('headings begin below the page title, whichever level the author began with', () => {
    expect(renderMarkdown('# A\n\n## B')).toBe('<h2 id="a">A</h2>\n<h3 id="b">B</h3>\n');
    expect(renderMarkdown('## A\n\n### B')).toBe('<h2 id="a">A</h2>\n<h3 id="b">B</h3>\n');
    expect(renderMarkdown('# A\n\n###### F')).toContain('<h6 id="f">F</h6>');
    expect(renderMarkdown('<h1>raw</h1>')).toContain('<h2>raw</h2>');
  });

  test('tables of contents work: anchors follow the usual custom', () => {
    const markup = renderMarkdown(
      '[go](#why-it-works)\n\n## Why `it` *works*!\n\n## Why it works\n\n## Über 名前',
    );
    expect(markup).toContain('href="#why-it-works"');
    expect(markup).toContain('<h2 id="why-it-works">');
    expect(markup).toContain('<h2 id="why-it-works-1">');
    expect(markup).toContain('<h2 id="über-名前">');
  });

  test.each([
    ['**b** *i* ~~d~~ `c`', '<strong>b</strong> <em>i</em> <del>d</del> <code>c</code>'],
    ['> quote', '<blockquote>\n<p>quote</p>\n</blockquote>'],
    ['3. three\n4. four', '<ol start="3">'],
    ['- [x] done\n- [ ] open', '<span class="task">☑</span> done'],
    ['```js\nif (a < b && c) {}\n```', '<pre><code>if (a &lt; b &amp;&amp; c) {}\n</code></pre>'],
    ['a\n\n---\n\nb', '<hr />'],
    ['1 < 2 & "3"', '1 &lt; 2 &amp; "3"'],
    ['<kbd>Ctrl</kbd> <sup>2</sup> <mark>m</mark>', '<kbd>Ctrl</kbd> <sup>2</sup> <mark>m</mark>'],
    ['[m](mailto:a@b.example)', 'href="mailto:a@b.example"'],
    ['[r](../other?x=1&y=2#z)', 'href="../other?x=1&amp;y=2#z"'],
    [
      'https://a.example/x',
      '<a href="https://a.example/x" rel="noopener nofollow ugc">https://a.example/x</a>',
    ],
    ['![alt](/i.png "t")', '<img src="/i.png" alt="alt" title="t" loading="lazy" decoding="async" />'],
  ])('%j is kept', (markdown, expected) => {
    expect(renderMarkdown(markdown)).toContain(expected);
  });

  test('tables keep their alignment and scroll by themselves', () => {
    const markup = renderMarkdown('| a | b |\n|:-:|--:|\n| 1 | 2 |');
    expect(markup).toContain('<th align="center">a</th>');
    expect(markup).toContain('<td align="right">2</td>');
    expect(markup).toMatch(/^<div class="table"[^>]*><table>[\s\S]*<\/table><\/div>\n?$/);
  });

  test('every link says that the site does not vouch for it', () => {
    expect(renderMarkdown('<a href="https://a.example" rel="opener" target="_blank">x</a>')).toBe(
      '<p><a href="https://a.example" rel="noopener nofollow ugc">x</a></p>\n',
    );
  });

  test.each([
    '',
    ' ',
    '\n\n',
    '\u0000',
    '\ud800',
    '>'.repeat(20_000),
    '['.repeat(20_000),
    '- '.repeat(5_000),
  ])('odd text %#: it renders or comes back as text', (markdown) => {
    expect(faults(renderMarkdown(markdown))).toEqual([]);
  });
});

describe('a renderer with a memory', () => {
  const post = { id: 'a', title: 'T', body: 'one', updated_at: new Date(1) };

  test('renders again only what changed', () => {
    const render = createPostRenderer();
    expect(render(post)).toBe('<p>one</p>\n');
    expect(render({ ...post, body: 'not looked at' })).toBe('<p>one</p>\n');
    expect(render({ ...post, body: 'two', updated_at: new Date(2) })).toBe('<p>two</p>\n');
    expect(render({ ...post, id: 'b', body: 'three' })).toBe('<p>three</p>\n');
  });

  test('forgets the least recently used first', () => {
    const render = createPostRenderer(25);
    render(post);
    render({ ...post, id: 'b' });
    render(post);
    render({ ...post, id: 'c' });
    expect(render({ ...post, body: 'changed' })).toBe('<p>one</p>\n');
    expect(render({ ...post, id: 'b', body: 'new' })).toBe('<p>new</p>\n');
  });

  test('a body that repeats the title as its first heading does not show it twice', () => {
    const render = createPostRenderer();
    expect(render({ ...post, body: '# T\n\ntext' })).toBe('<p>text</p>\n');
    expect(render({ ...post, id: 'b', body: '# T2\n\ntext' })).toContain('>T2</h2>');
  });
});
