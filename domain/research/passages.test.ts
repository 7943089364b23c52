import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { choosePassages, snippetPassages, topicWords } from './passages.ts';
import { MAX_PASSAGE_CHARS, plainLine, shortened } from './source.ts';

const squeezed = (text: string): string => plainLine(text).replace(/\s+/g, '');

describe('the words of a topic', () => {
  test.each<[string, string | null, string[]]>([
    ['How to repot a houseplant', 'potting soil', ['repot', 'houseplant', 'potting', 'soil']],
    ['The best of 2026', null, ['2026']],
    ['日本の歴史', null, ['日本', '歴史']],
    ['Node.js (24)', null, ['node.js', '24']],
  ])('of %j', (topic, keyword, words) => {
    expect(topicWords(topic, keyword)).toEqual(expect.arrayContaining(words));
  });
});

describe('passages', () => {
  const text = [
    'Home | About | Contact',
    'Repotting gives the roots of a houseplant more room and fresh soil to grow in.',
    'Our shop ships to every country in the world within three days of the order.',
    'Choose a pot that is only a little wider than the old one, or the soil stays wet.',
  ].join('\n');

  test('are those that share most words with the topic, in their order', () => {
    const words = topicWords('How to repot houseplants', 'pots and soil');
    expect(choosePassages(text, words, 2)).toEqual([
      'Repotting gives the roots of a houseplant more room and fresh soil to grow in.',
      'Choose a pot that is only a little wider than the old one, or the soil stays wet.',
    ]);
    expect(choosePassages(text, words, 1)).toHaveLength(1);
    expect(choosePassages(text, topicWords('quantum computing'), 3)).toEqual([]);
    expect(
      choosePassages('植物の鉢植えは根のために新しい土を必要とします。', topicWords('鉢植えの土'), 3),
    ).toHaveLength(1);
  });

  test('of a short word do not come from the inside of others', () => {
    expect(choosePassages('The rain in Spain stays mainly in the plain, they said.', ['ai'], 3)).toEqual([]);
    expect(choosePassages('In the office an AI answers all the mail that comes in.', ['ai'], 3)).toHaveLength(
      1,
    );
  });

  test('of a long paragraph end at its sentences', () => {
    const sentence = 'Soil that drains well keeps the roots of a plant alive in winter. ';
    const chosen = choosePassages(sentence.repeat(40), ['soil'], 3);
    expect(chosen.length).toBeGreaterThan(0);
    for (const passage of chosen) expect(passage).toMatch(/^Soil.*winter\.$/);
  });

  test('stand in the text word for word, and are never too long', () => {
    const paragraph = fc
      .array(
        fc.oneof(
          fc.constantFrom('soil', 'water. ', 'Roots', '… ', '。', '😀', '\ud800', '\u0000'),
          fc.string({ unit: 'grapheme' }),
        ),
        { maxLength: 200 },
      )
      .map((parts) => parts.join(' '));
    fc.assert(
      fc.property(fc.array(paragraph, { maxLength: 5 }), (paragraphs) => {
        const whole = paragraphs.join('\n');
        for (const passage of choosePassages(whole, ['soil', 'roots'], 4)) {
          expect(passage.length).toBeLessThanOrEqual(MAX_PASSAGE_CHARS);
          expect(squeezed(whole)).toContain(squeezed(passage));
          expect(passage).toBe(plainLine(passage));
          expect(passage.isWellFormed()).toBe(true);
        }
      }),
    );
  });

  test('of a snippet are its parts between ellipses', () => {
    const snippet =
      'Jan 5, 2026 — Repotting gives roots room ... short ... a pot with holes lets the water run off …';
    expect(snippetPassages([snippet, snippet], 3)).toEqual([
      'Jan 5, 2026 — Repotting gives roots room',
      'a pot with holes lets the water run off',
    ]);
  });
});

describe('a shortened text', () => {
  test('is its beginning, no longer than asked, and whole', () => {
    expect(shortened('one two three', 9)).toBe('one two');
    expect(shortened('one two', 7)).toBe('one two');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, max) => {
        const short = shortened(text, max);
        expect(short.length).toBeLessThanOrEqual(max);
        expect(text.startsWith(short)).toBe(true);
        expect(short.isWellFormed()).toBe(true);
      }),
    );
  });
});
