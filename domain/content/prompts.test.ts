import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  cleanSection,
  cleanTitle,
  outlinePrompt,
  parseOutline,
  sectionPrompt,
  titlePrompt,
} from './prompts.ts';

const brief = { topic: 'Choosing a PostgreSQL backup strategy' };
const RULED = ['Why it matters', 'How to get started', 'Common mistakes to avoid', 'What to do next'];

describe('the prompts', () => {
  const full = {
    ...brief,
    primaryKeyword: 'pg_dump',
    targetAudience: 'small teams',
    tone: 'friendly',
    style: 'terse',
  };

  test('ask for what the brief says, the manner in the system text alone', () => {
    for (const { system, prompt } of [
      outlinePrompt(full),
      titlePrompt(full),
      sectionPrompt({ brief: full, headings: RULED, index: 1 }),
    ]) {
      expect(prompt).toContain('Choosing a PostgreSQL backup strategy');
      expect(prompt).not.toMatch(/friendly|terse/);
      expect(system).toMatch(/friendly.*pg_dump/);
    }
  });

  test('say nothing of what the brief leaves open', () => {
    const { system, prompt } = outlinePrompt({ ...brief, tone: null, style: ' ', category: undefined });
    expect(system + prompt).not.toMatch(/null|undefined|tone|style|category/i);
  });

  test('carry the heading and a reviewer’s wish into a section', () => {
    const { system, prompt } = sectionPrompt({ brief, headings: RULED, index: 2, feedback: 'Be shorter.' });
    expect(prompt).toContain('"Common mistakes to avoid"');
    expect(system).toContain('Be shorter.');
  });

  test('refuse a section that the outline does not have', () => {
    expect(() => sectionPrompt({ brief, headings: RULED, index: 4 })).toThrow(RangeError);
  });
});

describe('reading an outline', () => {
  test.each([
    [
      'a numbered list',
      '1. Why back up\n2. Full and incremental copies\n3. Testing a restore\n4. Keeping copies safe',
    ],
    ['a plain list', 'Why back up\nFull and incremental copies\nTesting a restore\nKeeping copies safe'],
    [
      'a talkative answer',
      'Here are four headings:\n\n1. **Why back up**\n2. "Full and incremental copies"\n* 3. Testing a restore\n4) Keeping copies safe.\n\nThese sections provide a clear structure.',
    ],
    [
      'Markdown headings',
      '## Why back up\n## Full and incremental copies\n## Testing a restore\n## Keeping copies safe',
    ],
  ])('takes the headings from %s', (_what, text) => {
    expect(parseOutline(text, brief)).toEqual({
      headings: ['Why back up', 'Full and incremental copies', 'Testing a restore', 'Keeping copies safe'],
      fromModel: 4,
    });
  });

  test('drops headings that repeat the topic or each other', () => {
    const text =
      '1. Choosing a PostgreSQL backup strategy\n2. How to choose a PostgreSQL backup strategy\n3. Testing a restore\n4. Test restores';
    expect(parseOutline(text, brief)).toMatchObject({
      fromModel: 1,
      headings: expect.arrayContaining(['Testing a restore']),
    });
  });

  test('drops placeholders and talk about the answer', () => {
    const text =
      '1. **1. Introduction**\n2. Header\n3. Section 1\n4. List of sections\n5. The basics\n6. Head';
    expect(parseOutline(text, brief)).toEqual({ headings: RULED, fromModel: 0 });
  });

  test('completes what is missing around what the model wrote', () => {
    expect(
      parseOutline('1. Testing a restore\n2. Keeping copies safe', { ...brief, primaryKeyword: 'pg_dump' }),
    ).toEqual({
      headings: ['Why pg_dump matters', 'Testing a restore', 'Keeping copies safe', 'How to get started'],
      fromModel: 2,
    });
  });

  test('completes with nothing that the model has already said', () => {
    const { headings } = parseOutline('1. Common mistakes to avoid\n2. Keeping copies safe', brief);
    expect(headings.filter((heading) => /mistakes/.test(heading))).toHaveLength(1);
  });

  test('gives 3 to 5 different, printable headings for any answer at all', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('1. A thing to do', '2. Other matters', '- **x**', '#', 'Here are:'),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const { headings, fromModel } = parseOutline(lines.join('\n'), brief);
        expect(headings.length).toBeGreaterThanOrEqual(3);
        expect(headings.length).toBeLessThanOrEqual(5);
        expect(fromModel).toBeLessThanOrEqual(headings.length);
        expect(new Set(headings.map((heading) => heading.toLowerCase())).size).toBe(headings.length);
        for (const heading of headings) expect(heading).toMatch(/^\S(.*\S)?$/);
      }),
    );
  });
});

describe('reading a title', () => {
  test.each([
    ['"The Ultimate Guide to Backups"', 'The Ultimate Guide to Backups'],
    ['Title: Backups that work\n\nStyle: terse', 'Backups that work'],
    ['# Backups', 'Backups'],
    ['', brief.topic],
    ['x'.repeat(200), brief.topic],
  ])('%j is %j', (text, title) => {
    expect(cleanTitle(text, brief)).toBe(title);
  });
});

describe('cleaning a section', () => {
  const GOOD = 'A backup is a copy. It is kept elsewhere.\n\nTest it by restoring it.';

  test.each([
    ['good text', GOOD],
    ['a repeated heading', `## Why back up\n\n${GOOD}`],
    ['a bold heading', `**Why back up**\n${GOOD}`],
    ['a heading as a sentence', `Why back up.\n\n${GOOD}`],
    ['an unfinished last sentence', `${GOOD} And never forg`],
    ['an unfinished last paragraph', `${GOOD}\n\nAnother thing to`],
    [
      'talk about the task',
      `Sure, here is the section:\n\n${GOOD} In this blog post, I've included two paragraphs.`,
    ],
    ['a leaked word count', `${GOOD} The text has 110 words.`],
    ['a repeated sentence', `${GOOD} Test it by restoring it.`],
    ['a heading in front of the text', `Why back up: ${GOOD}`],
    ['a quoted first paragraph', GOOD.replace(/^(.*)$/m, '"$1"')],
    ['quotation marks around the whole', `"${GOOD}`],
  ])('leaves the publishable part of %s', (_what, text) => {
    expect(cleanSection(text, 'Why back up')).toBe(GOOD);
  });

  test('keeps a list whose items are no sentences, and cuts one whose last is unfinished', () => {
    expect(cleanSection('You need:\n- a disk\n- a plan')).toBe('You need:\n- a disk\n- a plan');
    expect(cleanSection('Do this.\n1. Copy it.\n2. Test it.\n3. Sto')).toBe(
      'Do this.\n1. Copy it.\n2. Test it.',
    );
  });

  test.each(['', '  \n ', '## Only a heading', 'never a full sent'])(
    'finds nothing publishable in %j',
    (text) => {
      expect(cleanSection(text)).toBe('');
    },
  );

  test('adds nothing, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        const once = cleanSection(text);
        expect(once.length).toBeLessThanOrEqual(text.length);
      }),
    );
  });
});
