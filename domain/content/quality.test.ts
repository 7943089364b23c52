import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chunksOf, cosine } from './quality/chunks.ts';
import { parseText } from './quality/text.ts';
import { combineVerdict, measureQuality, passes, type Measured, type QualityInput } from './quality.ts';
import { DEFAULT_THRESHOLD } from './quality/threshold.ts';

const BODY = `Rain barrels are simple, and they save tap water from April to October. Mine holds 300 litres and fills in one storm.

## Where to put it

Look for a downpipe close to the beds. The barrel needs a firm base, since 300 litres weigh as much as four people. I laid six concrete slabs on sand, checked them with a level, and never had to move them again.

## Connecting the pipe

A diverter costs about 25 euros. Cut the downpipe at the height of the lid, push the piece in, and lead its hose to the barrel. When the barrel is full, the surplus runs on down the pipe as it did before. Children must not be able to lift the lid.

## Winter

Empty it before the first hard frost. Ice splits plastic along the seam, and a split barrel can't be glued. Turn the diverter to its winter setting, or the hose freezes shut in one night.`;

const input = (changes: Partial<QualityInput> = {}): QualityInput => ({
  title: 'How to set up a rain barrel',
  body: BODY,
  keyword: 'rain barrel',
  targetWords: { min: 120, max: 300 },
  readability: { fleschReadingEase: 75 },
  citations: { used: [], known: 0 },
  nearest: null,
  ...changes,
});

const partOf = (measured: Measured, name: string) => measured.parts.find((part) => part.name === name);

describe('the measured quality', () => {
  test('of a sound text is high, and it asks for nothing', () => {
    const measured = measureQuality(input());
    expect(measured.score).toBeGreaterThan(85);
    expect(measured.notes).toEqual([]);
  });

  const paragraphs = BODY.split('\n\n');
  test.each<[string, string, Partial<QualityInput>]>([
    ['is too short', 'length', { targetWords: { min: 600, max: 900 } }],
    ['is far too long', 'length', { targetWords: { min: 20, max: 60 } }],
    ['says the same again', 'repetition', { body: [...paragraphs, ...paragraphs].join('\n\n') }],
    ['is about something else', 'topic', { title: 'Trading options on margin', keyword: null }],
    ['has no word of the keyword', 'keyword', { keyword: 'heat exchanger' }],
    ['talks about its task', 'leaks', { body: `Sure! Here is the article you asked for.\n\n${BODY}` }],
    ['holds placeholders', 'leaks', { body: `${BODY}\n\nCall [insert phone number] today.` }],
    [
      'stops in the middle of a sentence',
      'endings',
      { body: `${BODY}\n\nIn spring you should first look at the` },
    ],
    ['shouts', 'shouting', { body: BODY.replaceAll('.', '!!!') }],
    [
      'has headings without a text',
      'structure',
      { body: `${BODY}\n\n## One\n\n## Two\n\n## Three\n\nGood luck.` },
    ],
    ['is one wall', 'paragraphs', { body: `${BODY.replace(/\n\n(?:## .*\n\n)?/g, ' ')} `.repeat(3) }],
    ['is hard to read', 'readability', { readability: { fleschReadingEase: -5 } }],
    ['cites sources that are none', 'citations', { citations: { used: [1, 4], known: 1 } }],
    ['is a copy', 'originality', { nearest: { similarity: 0.97, title: 'Rain barrels' } }],
    ['leaves its topic', 'about', { about: [0.6, 0.05, 0.4] }],
    [
      'is broken Markdown',
      'markdown',
      { body: `##Start\n\n${BODY}\n\nSee [here](http://\n\n<div>And **this.</div>` },
    ],
  ])('shows that a text %s', (_what, part, changes) => {
    const before = measureQuality(input());
    const after = measureQuality(input(changes));
    expect(partOf(after, part)?.score).toBeLessThan(80);
    expect(partOf(after, part)?.note).toEqual(expect.any(String));
    expect(after.score).toBeLessThan(before.score - 5);
    expect(after.notes.length).toBeGreaterThan(0);
  });

  test('knows words thrown together from sentences', () => {
    const words = BODY.replace(/## .*/g, '').match(/[\w']+/g) ?? [];
    const salad = words.map((_, i) => words[(i * 37) % words.length]).join(' ');
    expect(partOf(measureQuality(input({ body: `${salad}.` })), 'grammar')?.score).toBe(0);
  });

  test('leaves out what does not apply', () => {
    const names = measureQuality(input({ keyword: null })).parts.map(({ name }) => name);
    expect(names).not.toContain('keyword');
    expect(names).not.toContain('originality');
    expect(names).not.toContain('citations');
    expect(names).not.toContain('about');
  });

  test('holds no list of English words against another language', () => {
    const body =
      'Die Regentonne steht auf einer festen Platte neben dem Haus, und sie ist mit dem Fallrohr verbunden. Wenn sie voll ist, läuft das Wasser nicht über, sondern durch das Rohr ab. Im Winter wird sie geleert, weil das Eis sie sonst sprengt.';
    const names = measureQuality(input({ body })).parts.map(({ name }) => name);
    expect(names).not.toContain('english');
    expect(names).toContain('repetition');
  });

  test('names the section that a note concerns', () => {
    const body = `${BODY}\n\n## Summer\n\nWater the beds early in the morning, and the`;
    expect(measureQuality(input({ body })).notes).toContainEqual({
      text: 'Finish the sentence at the end of this paragraph.',
      section: 3,
    });
  });

  test('is a whole number from 0 to 100 for any text, and the same twice', () => {
    const pieces = fc.constantFrom(
      ...'# \n`*_[]()!.,|-"<>{}aZ1é🚀'.split(''),
      '## ',
      '\n\n',
      '```',
      'the ',
      '](',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 200 }), fc.string({ maxLength: 20 }), (parts, word) => {
        const one = input({
          body: parts.join(''),
          title: word,
          keyword: word,
          readability: { fleschReadingEase: Number.NaN },
        });
        const { score, parts: measured } = measureQuality(one);
        expect(Number.isInteger(score) && score >= 0 && score <= 100).toBe(true);
        for (const part of measured)
          expect(part.score >= 0 && part.score <= 100 && Number.isFinite(part.value)).toBe(true);
        expect(measureQuality(one)).toEqual(measureQuality(one));
      }),
    );
  });

  test.each([
    ...Array.from('[(*_"<{|`!#-'),
    '](',
    '[x](',
    '![',
    '|\n',
    '[1',
    '[insert ',
    '. a ',
    'the ',
    '   ',
  ])('of 100,000 characters of %j comes within two seconds', (piece) => {
    const began = performance.now();
    measureQuality(input({ body: piece.repeat(100_000 / piece.length) }));
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe('a verdict', () => {
  const measured = (score: number, notes: string[] = []): Measured => ({
    score,
    parts: [],
    notes: notes.map((text) => ({ text, section: null })),
  });
  const model = (score: number) => ({ score, reasons: ['Vague in the middle.'], modelId: 'acme:judge' });

  test('without a model is what was measured, and says so', () => {
    expect(combineVerdict(measured(71, ['Write more.']), null)).toEqual({
      score: 71,
      measuredScore: 71,
      modelScore: null,
      modelId: null,
      basis: 'Measured by code alone (71): no model that is able to judge was asked.',
      reasons: [{ source: 'measured', text: 'Write more.' }],
    });
  });
  test('with a model is half and half, and says which reason came from where', () => {
    const verdict = combineVerdict(measured(80), model(60));
    expect(verdict).toMatchObject({ score: 70, measuredScore: 80, modelScore: 60, modelId: 'acme:judge' });
    expect(verdict.reasons).toEqual([
      { source: 'measured', text: 'Nothing that code can measure speaks against the text.' },
      { source: 'model', text: 'Vague in the middle.' },
    ]);
  });
  test('is lifted by a model by 20 points at most, and lowered without a limit', () => {
    expect(combineVerdict(measured(20), model(100)).score).toBe(40);
    expect(combineVerdict(measured(100), model(0)).score).toBe(50);
  });
  test('passes from the threshold on', () => {
    expect([
      passes(DEFAULT_THRESHOLD),
      passes(DEFAULT_THRESHOLD - 1),
      passes(50, 50),
      passes(49, 50),
    ]).toEqual([true, false, true, false]);
  });
});

describe('a text', () => {
  test('is cut into blocks with their lines and sections', () => {
    const { blocks, sections } = parseText(
      '# T\n\nIntro.\n\n## A\n\n- one\n- two\n  more\n\n```js\n## no\n```\n\n## B\n> said\n\n| a | b |\n|---|---|\n| 1 | 2 |',
    );
    expect(blocks.map(({ kind, line, section }) => [kind, line, section])).toEqual([
      ['heading', 1, null],
      ['paragraph', 3, null],
      ['heading', 5, 0],
      ['item', 7, 0],
      ['item', 8, 0],
      ['code', 11, 0],
      ['heading', 15, 1],
      ['quote', 16, 1],
      ['table', 18, 1],
    ]);
    expect(sections.map(({ heading, words }) => [heading, words])).toEqual([
      ['A', ['one', 'two', 'more']],
      ['B', ['said', 'a', 'b', '1', '2']],
    ]);
  });
  test('is embedded in pieces of about 100 words, eight at most, first and last among them', () => {
    expect(chunksOf('')).toEqual([]);
    expect(chunksOf('One short sentence.')).toEqual(['One short sentence.']);
    const long = Array.from({ length: 300 }, (_, i) => `Sentence number ${i} has exactly seven words.`).join(
      ' ',
    );
    const chunks = chunksOf(long);
    expect(chunks).toHaveLength(8);
    expect(chunks[0]).toMatch(/^Sentence number 0 /);
    expect(chunks.at(-1)).toMatch(/number 299 has/);
  });
  test('has a cosine with itself of 1 and with nothing of 0', () => {
    expect(cosine([3, 4], [3, 4])).toBeCloseTo(1);
    expect(cosine([1, 0], [0, 1])).toBe(0);
    expect(cosine([0, 0], [1, 1])).toBe(0);
  });
});
