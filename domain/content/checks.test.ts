import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readArticles } from '../../test/content/articles.ts';
import { CHECKS, checkContent, qualityScore, type Check, type Issue } from './checks.ts';

const issuesOf = (text: string, check: Check, sources = 0): readonly Issue[] =>
  checkContent(text, [check], { sources }).issues;
const messagesOf = (text: string, check: Check, sources = 0): string[] =>
  issuesOf(text, check, sources).map(({ message }) => message);

describe('grammar', () => {
  test.each([
    ['We went to the the market on Sunday.', /twice/],
    ['She ate a apple before lunch.', /"an"/],
    ['It was an useful tool for everybody.', /"a"/],
    ['He bought an car last week.', /"a"/],
    ['This is one sentence. here is another one.', /capital/],
    ['Bread , butter and jam.', /space/],
    ['Wait for it..and go on.', /one mark/i],
    ['Really??? Yes, really.', /enough/],
    ['Open the lid (the blue one and look inside.', /round bracket/],
    ['He said "I will come and left.', /quotation/],
    ['“This has no end, she said.', /quotation/],
    ['this paragraph begins small and goes on for several more words.', /capital/],
  ])('finds the slip in %j', (text, message) => {
    expect(messagesOf(text, 'grammar')).toEqual([expect.stringMatching(message)]);
  });

  test.each([
    'He knew that that was wrong, and he had had enough.',
    'An hour at a university with an MRI scanner, a European and a one-off.',
    'An honest man, an X-ray, an 8-inch pipe, a user, a unit, an umbrella and an uninvited guest.',
    'Bring fruit, e.g. apples, at 5 p.m. sharp, approx. two kilos. It rains.',
    'iPhone users know this well, and so do the makers of eBay and npm.',
    'Version 2.0 runs on .NET, and `foo ,bar` is code.',
    'Wait ... then go. Really?! Yes.',
    'The board is 5" wide and 6" long. A smile :) is fine, and so is a) or b).',
    '“It begins here and goes on.\n\n“It ends here,” she said.',
    'We drove to Walla Walla, then to Baden Baden.',
    'Option a is better, and vitamin A in carrots is good.',
    'See [the manual](https://example.com/a_(b)) for more.',
  ])('leaves %j alone', (text) => {
    expect(issuesOf(text, 'grammar')).toEqual([]);
  });

  test('names the line in the Markdown and what stands there', () => {
    expect(issuesOf('# T\n\nFine.\n\nAlso fine,\nbut this this is not.', 'grammar')).toEqual([
      {
        check: 'grammar',
        severity: 'error',
        message: 'The word stands here twice.',
        excerpt: 'Also fine, but this this is not.',
        line: 6,
      },
    ]);
  });
});

describe('formatting', () => {
  test.each([
    ['## A\n\nText.\n\n#### B\n\nText.', /skipped/, 5],
    ['##A\n\nText.', /space between/, 1],
    ['Text.\n\n```js\nlet a;', /code block/, 3],
    ['See [this](http:// and that.', /broken link/, 1],
    ['See [this]() and that.', /broken link/, 1],
    ['![](photo.png)', /alternative text/, 1],
    ['| a | b |\n|---|---|\n| 1 |', /cells/, 1],
    ['Some **bold text.', /bold/, 1],
    ['A line.   \nAnother.', /blanks/, 1],
    ['A line with a stray mark |', /stray mark/, 1],
    ['Text.\n\n,\n\nText.', /only punctuation/, 3],
    ['Zero\u200bwidth.', /invisible/, 1],
    [`${'word '.repeat(171)}end.`, /172 words/, 1],
    ['##  \n\nText.', /heading is empty/, 1],
  ])('finds what is wrong in %j', (text, message, line) => {
    const [issue, ...others] = issuesOf(text, 'formatting');
    expect(issue).toMatchObject({ message: expect.stringMatching(message), line });
    expect(others).toEqual([]);
  });

  test.each([
    '# T\n\n## A\n\n### B\n\n## C',
    '### Only\n\nText.\n\n### Third level',
    '```md\n##A **b [x](\n   \n```',
    'Write `[x](` and `**` in code.',
    'See [a](https://example.com/x_(y) "Title"), [b](/path), [c](#here), [d](mailto:a@example.com).',
    'Broken with two blanks  \nand with a backslash\\\ngoes on.',
    '| a | b |\n|---|---|\n| `x` | y |',
    '![A cat on a wall](cat.png)',
    '1) first\n2) second\n\n- [ ] to do',
    'Two < three, and C# is a language, and 5 * 3 = 15.',
  ])('leaves %j alone', (text) => {
    expect(issuesOf(text, 'formatting')).toEqual([]);
  });
});

describe('factuality', () => {
  test('refuses citations that point to no source', () => {
    expect(issuesOf('It works [1]. It does not [3, 4].', 'factuality', 3)).toMatchObject([
      { severity: 'error', message: '[4] points to no source: there are 3.' },
    ]);
    expect(messagesOf('It works [1].', 'factuality')).toEqual([
      '[1] points to a source, and there are none.',
    ]);
  });
  test.each([
    'Sales rose by 37 percent in one summer.',
    'Studies have shown that coffee is good for the heart.',
    'The tower was finished in 1889 by a small team.',
    'The chairman called it "the finest bridge that was ever built here".',
    'The town spent 3.1 million euros on repairs.',
  ])('asks for a source of %j', (text) => {
    expect(issuesOf(text, 'factuality')).toMatchObject([
      { severity: 'warning', message: expect.stringMatching(/^Unsupported claim/) },
    ]);
  });
  test.each([
    'Sales rose by 37 percent in one summer [1].',
    'Sales rose by 37 percent, [the office says](https://example.com/report).',
    'According to the statistics office, sales rose by 37 percent.',
    'In 2019 I sold 40 percent of my books.',
    'Put 200 g of flour into a bowl and stir.',
    '## The year 1889',
    '```\nx = 1889 # 5%\n```',
  ])('asks for none of %j', (text) => {
    expect(issuesOf(text, 'factuality', 1)).toEqual([]);
  });
  test('says that it can not tell truth', () => {
    const { unchecked } = checkContent('Fine.', ['factuality'], { sources: 0 });
    expect(unchecked).toEqual([
      { check: 'factuality', text: expect.stringMatching(/not whether a statement is true/) },
    ]);
  });
});

describe('the checks', () => {
  test('run where they are asked for', () => {
    const text = 'A a apple in 1889.\n\n##X';
    for (const check of CHECKS)
      expect(new Set(issuesOf(text, check).map((issue) => issue.check))).toEqual(new Set([check]));
    expect(checkContent(text, [], { sources: 0 })).toEqual({ issues: [], unchecked: [] });
  });
  test.each(
    readArticles()
      .filter(({ isGood }) => isGood)
      .map((article) => [article.name, article] as const),
  )('find no error in %s', (_name, { input }) => {
    const { issues } = checkContent(input.body, CHECKS, { sources: input.citations.known });
    expect(issues.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
  test('take any text, and name lines that it has', () => {
    const pieces = fc.constantFrom(
      ...'# \n`*_[]()!.,|-"<>{}aZ1é'.split(''),
      '\n\n',
      '```',
      'the the ',
      'a apple',
      '](',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 150 }), (parts) => {
        const text = parts.join('');
        for (const { line } of checkContent(text, CHECKS, { sources: 1 }).issues) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(text.split('\n').length);
        }
      }),
    );
  });
  test.each(['a ', 'the the ', '[', '(', '"', '|\n', '. a', '   \t', '![](', 'an '])(
    'of 100,000 characters of %j come within two seconds',
    (piece) => {
      const began = performance.now();
      checkContent(piece.repeat(100_000 / piece.length), CHECKS, { sources: 0 });
      expect(performance.now() - began).toBeLessThan(2_000);
    },
  );
});

describe('the quality score', () => {
  const of = (severity: Issue['severity']): Issue => ({
    check: 'grammar',
    severity,
    message: 'm',
    excerpt: 'e',
    line: 1,
  });
  test('is what was measured less the issues, never below 0', () => {
    expect(qualityScore(90, [])).toBe(90);
    expect(qualityScore(90, [of('error'), of('warning')])).toBe(85);
    expect(
      qualityScore(
        90,
        Array.from({ length: 40 }, () => of('warning')),
      ),
    ).toBe(75);
    expect(
      qualityScore(
        10,
        Array.from({ length: 40 }, () => of('error')),
      ),
    ).toBe(0);
  });
});
