import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { renderMarkdown } from '../../api/site/markdown.ts';
import {
  checkCitations,
  dropOwnSourceList,
  dropUnknownMarks,
  sourceList,
  sourcesForPrompt,
} from './citations.ts';
import type { Source } from './source.ts';

const PASSAGE =
  'Most houseplants need repotting every 12 to 18 months — depending on how “actively” they’re growing [4].';
const source = (n: number, changes: Partial<Source> = {}): Source => ({
  n,
  url: `https://example.com/${n}`,
  title: `Title ${n}`,
  publisher: 'Example',
  publishedAt: '2026-03-01T00:00:00.000Z',
  passages: [PASSAGE],
  provider: 'wikipedia',
  fetchedAt: '2026-11-01T00:00:00.000Z',
  ...changes,
});
const known = [
  source(1),
  source(2, { passages: ['Another source says something else about pots and soil.'] }),
];

/** Text in which marks, brackets, code and links are likely. */
const pieces = fc.constantFrom(
  '[1]',
  '[2]',
  '[7]',
  '[1, 7]',
  '[^7]',
  '[7](https://x.test/a)',
  '[',
  ']',
  '(',
  ')',
  '`',
  '```\n',
  ' ',
  '\n',
  '"',
  '“',
  '”',
  'word',
  '9',
  '1',
  ',',
  '!',
  '\\',
  '## Sources\n',
  '[7]: https://x.test\n',
);
const text = fc.array(fc.oneof(pieces, fc.string()), { maxLength: 30 }).map((parts) => parts.join(''));

describe('marks', () => {
  test.each<[string, number[], number[]]>([
    ['Soil matters [1].', [1], []],
    ['Soil [2][1] and pots [3].', [1, 2], [3]],
    ['A list [1, 2; 5] and a footnote [^2].', [1, 2], [5]],
    ['A link [9](https://invented.test/x_(y) "t").', [], [9]],
    ['A year [2024], a box [x], a zero [0] and nothing [].', [], []],
    ['Code `list[1]` and ``a`[2]`` cite nothing.', [], []],
    ['```js\nlist[1]\n```\nBut this does [1].', [1], []],
    ['~~~\nlist[1] without an end', [], []],
  ])('of %j', (body, used, unknown) => {
    expect(checkCitations(body, known)).toMatchObject({ used, unknown });
  });

  test.each([
    ['Soil matters [9].', 'Soil matters.'],
    ['Soil [9] matters [1].', 'Soil matters [1].'],
    ['Soil [1, 9, 2] matters[^2].', 'Soil [1][2] matters[2].'],
    ['See [1](https://invented.test) and [9](https://invented.test "x").', 'See [1] and.'],
    ['Keep `list[9]` and [2024].', 'Keep `list[9]` and [2024].'],
    ['Nested [[9]8].', 'Nested.'],
  ])('without a source are dropped from %j', (body, expected) => {
    expect(dropUnknownMarks(body, [1, 2])).toBe(expected);
  });

  test('once dropped, are gone; those that stay and the other words are untouched', () => {
    fc.assert(
      fc.property(text, (body) => {
        const dropped = dropUnknownMarks(body, [1, 2]);
        expect(checkCitations(dropped, known).unknown).toEqual([]);
        expect(dropUnknownMarks(dropped, [1, 2])).toBe(dropped);
        if (checkCitations(body, known).unknown.length === 0)
          expect(checkCitations(dropped, known).used).toEqual(checkCitations(body, known).used);
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (body) => {
        fc.pre(!body.includes('['));
        expect(dropUnknownMarks(body, [])).toBe(body);
      }),
    );
  });
});

describe('a quotation', () => {
  const quoteOf = (body: string) => checkCitations(body, known).unquoted;
  test.each([
    'They say “most houseplants need repotting every 12 to 18 months” [1].',
    "They say \"Most houseplants need *repotting*  every 12 to 18 months – depending on how 'actively' they're growing.\" [1]",
    'They say “most houseplants need repotting … depending on how actively they’re growing,” as Ann writes [1].',
    '[1]: „most houseplants need repotting every 12 to 18 months“',
    'Either has it: «most houseplants need repotting every 12 to 18 months» [2][1].',
    '“Five words are too few” [1].',
    '“This one stands beside no mark, so nothing is said of it.” Then another sentence [1].',
    '“This one stands in a paragraph of its own, with no mark”\n\nAnd here is one [1].',
    'A 5" pot beside a 12" pot, with soil in it, is fine [1].',
  ])('that its source holds, or that is none: %j', (body) => {
    expect(quoteOf(body)).toEqual([]);
  });
  test.each<[string, string, number[]]>([
    [
      'They say “all houseplants need repotting every 12 to 18 months” [1].',
      'all houseplants need repotting every 12 to 18 months',
      [1],
    ],
    [
      'The other does not “need repotting every 12 to 18 months” [2].',
      'need repotting every 12 to 18 months',
      [2],
    ],
    [
      'Nobody is “known to have said these very words here” [9].',
      'known to have said these very words here',
      [9],
    ],
    [
      '“most houseplants need repotting … every single day of the year” [1]',
      'most houseplants need repotting … every single day of the year',
      [1],
    ],
  ])('that its source does not hold: %j', (body, quote, marks) => {
    expect(quoteOf(body)).toEqual([{ quote, marks }]);
  });

  test('cut out of a passage anywhere at its words is held, however its marks and spaces are typed', () => {
    const words = PASSAGE.replace(' [4].', '').replace(/[“”]/g, '').split(' ');
    const slice = fc
      .tuple(fc.nat(words.length - 7), fc.integer({ min: 7, max: words.length }))
      .map(([from, length]) => words.slice(from, from + length));
    fc.assert(
      fc.property(slice, fc.constantFrom(' ', '  ', '\u00a0', '\t'), (chosen, space) => {
        const quote = chosen.join(space).replace('—', '-').replace('’', "'");
        expect(quoteOf(`Ann says “${quote}” [1].`)).toEqual([]);
        expect(quoteOf(`Ann says “${quote} nevermore” [1].`)).toHaveLength(1);
      }),
    );
  });
});

describe('a list that a model made', () => {
  test.each([
    ['Text [1].\n\n## Sources\n\n1. Invented, J. (2020)\n', 'Text [1].\n'],
    ['Text.\n\n**References**\n- https://invented.test\n\nThe end.', 'Text.\n\nThe end.\n'],
    ['Text.\n\n## References:\n\nInvented.\n\n## Conclusion\n\nEnd.', 'Text.\n\n## Conclusion\n\nEnd.\n'],
    ['Text [1].\n\n[1]: https://invented.test\n', 'Text [1].\n'],
    ['## Sources of energy\n\nSun.', '## Sources of energy\n\nSun.'],
    ['```\n## Sources\n[1]: x\n```', '```\n## Sources\n[1]: x\n```'],
    ['Sources:\nThis sentence is text.', 'This sentence is text.\n'],
  ])('goes from %j', (body, expected) => {
    expect(dropOwnSourceList(body)).toBe(expected);
  });
  test('is not there twice: our own goes as well', () => {
    const body = 'Text [1].\n';
    expect(dropOwnSourceList(`${body}\n${sourceList(body, known)}`)).toBe(body);
    fc.assert(
      fc.property(text, (any) =>
        expect(dropOwnSourceList(dropOwnSourceList(any))).toBe(dropOwnSourceList(any)),
      ),
    );
  });
});

describe('the list of sources', () => {
  test('names those that the text cites, in their order, and no others', () => {
    expect(sourceList('B [2], a [1], x [9].', [known[1] ?? source(2), source(1), source(3)])).toBe(
      '## Sources\n\n- [1] [Title 1](<https://example.com/1>), Example, 2026-03-01\n' +
        '- [2] [Title 2](<https://example.com/2>), Example, 2026-03-01\n',
    );
    expect(sourceList('No marks.', known)).toBe('');
    expect(sourceList('Only in a list.\n\n## Sources\n\n- [1] x\n', known)).toBe('');
  });

  test('links http(s) addresses alone', () => {
    for (const url of ['javascript:alert(1)', 'data:text/html,x', 'nonsense', 'https://a:b@example.com/'])
      expect(sourceList('[1]', [source(1, { url })])).toBe(
        '## Sources\n\n- [1] Title 1, Example, 2026-03-01\n',
      );
  });

  test('shows every title as it is, with one link and no markup of its own', () => {
    const title = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc
        .array(
          fc.constantFrom(
            '*',
            '_',
            '`',
            '[',
            ']',
            '(',
            ')',
            '<b>',
            '</a>',
            '&lt;',
            'http://x.test',
            'www.x.test',
            'a@b.test',
            '#',
            '~~',
            '|',
            '\n',
            'word',
            '![x](y)',
            '\\',
          ),
          { minLength: 1, maxLength: 12 },
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(title, title, (name, publisher) => {
        fc.pre(name.trim() !== '');
        const html = renderMarkdown(
          sourceList('[1]', [source(1, { title: name, publisher, url: 'https://x.test/a(b)?c=<d>&e="f' })]),
        );
        expect(html.match(/<a /g)).toHaveLength(1);
        expect(html.replace(/<\/?(?:h2|ul|li|a)\b[^>]*>/g, '')).not.toMatch(/</);
        expect(html.match(/<li>/g)).toHaveLength(1);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the sources in a prompt', () => {
  test('come with their passages, a first one each before any second', () => {
    const two = [
      source(1, { passages: ['one [3] a', 'one b'] }),
      source(2, { passages: ['two a', 'two b'], publisher: null, publishedAt: null }),
    ];
    expect(sourcesForPrompt(two, 1000)).toBe(
      '[1] Title 1 (Example, 2026-03-01)\n“one a”\n“one b”\n[2] Title 2\n“two a”\n“two b”',
    );
    expect(sourcesForPrompt(two, 65)).toBe(
      '[1] Title 1 (Example, 2026-03-01)\n“one a”\n[2] Title 2\n“two a”',
    );
    expect(sourcesForPrompt([], 100)).toBe('');
  });
  test('never take more room than there is, and mark nothing that is not theirs', () => {
    const anySource = fc.record({ title: fc.string(), passages: fc.array(text, { maxLength: 4 }) });
    fc.assert(
      fc.property(fc.array(anySource, { maxLength: 6 }), fc.nat(400), (found, maxChars) => {
        const prompt = sourcesForPrompt(
          found.map((given, at) => source(at + 1, given)),
          maxChars,
        );
        expect(prompt.length).toBeLessThanOrEqual(maxChars);
        expect(prompt.match(/^\[\d+\] /gm)?.length ?? 0).toBeLessThanOrEqual(found.length);
      }),
    );
  });
});
