import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { analyse, headingsOf } from './analysis.ts';
import { readParameters, sectionShare, sectionsToRevise } from './pipeline.ts';
import { applyEdits, excerptOf, sameDraft } from './revision.ts';
import { slugCandidate, slugify } from './slug.ts';

describe('a slug', () => {
  test.each([
    ['How to repot a houseplant', 'how-to-repot-a-houseplant'],
    ["It's Café time!", 'its-cafe-time'],
    ['  --  ', 'post'],
    ['日本語のタイトル', '日本語のタイトル'],
    ['한국어 제목', '한국어-제목'],
    ['a/b?c#d', 'a-b-c-d'],
  ])('of %j is %j', (title, slug) => {
    expect(slugify(title)).toBe(slug);
  });
  test('is never empty, never long, and never has a character that a path must escape for its structure', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (title) => {
        const slug = slugify(title);
        expect(slug).not.toBe('');
        expect(Array.from(slug).length).toBeLessThanOrEqual(80);
        expect(slug).not.toMatch(/[/?#%\s.]/);
        expect(slug.isWellFormed()).toBe(true);
      }),
    );
  });
  test('that is taken gets a number', () => {
    expect([slugCandidate('a', 1), slugCandidate('a', 2)]).toEqual(['a', 'a-2']);
  });
});

describe('an edit', () => {
  const draft = {
    title: 'T',
    body: 'B',
    excerpt: null,
    featuredImageUrl: null,
    seoTitle: null,
    seoDescription: null,
  };
  test('changes what it names and nothing else', () => {
    expect(applyEdits(draft, { content: 'new', unknown: 'x' })).toEqual({ ...draft, body: 'new' });
    expect(sameDraft(draft, applyEdits(draft, { title: 'T' }))).toBe(true);
    expect(sameDraft(draft, applyEdits(draft, { seo_title: 'S' }))).toBe(false);
  });
});

describe('an excerpt', () => {
  test('is the beginning of the text without its marks, cut at a word', () => {
    expect(excerptOf('## Heading\n\nSome **bold** text.')).toBe('Some bold text.');
    expect(excerptOf('one two three four', 11)).toBe('one two…');
  });
});

describe('an analysis', () => {
  test('counts what is there', () => {
    const text =
      '# Title\n\nSoil is good. Use fresh soil [here](https://example.com).\n\n## More\n\nWater it.';
    expect(analyse(text, 'soil')).toEqual({
      words: 9,
      sentences: 3,
      words_per_sentence: 3,
      headings: 2,
      links: 1,
      reading_minutes: 1,
      keyword_uses: 2,
      keyword_density: 22.22,
    });
    expect(analyse('', null)).toMatchObject({ words: 0, keyword_uses: null, keyword_density: null });
  });
  test('finds the sections, or takes the title', () => {
    expect(headingsOf('## One\n\ntext\n\n### Two ##\n', 'T')).toEqual(['One', 'Two']);
    expect(headingsOf('just text', 'T')).toEqual(['T']);
  });
});

describe('the parameters of a run', () => {
  test('have defaults', () => {
    expect(readParameters({})).toEqual({
      model: null,
      publishAt: null,
      policy: { count: 1, roles: [], allow_self: true },
      approvalExpiresInSeconds: null,
      onExpiry: 'reject',
      prefer: null,
      research: 'moderate',
      image: 'auto',
      targetWords: null,
      threshold: 65,
      maxRevisions: 3,
      budget: null,
    });
    expect(readParameters({ quality: { threshold: 0 }, budget_usd: 0.25 })).toMatchObject({
      threshold: 0,
      maxRevisions: 3,
      budget: 250_000,
    });
    expect(readParameters({ approval: { count: 2, expires_in_seconds: 5 } })).toMatchObject({
      policy: { count: 2, allow_self: true },
      approvalExpiresInSeconds: 5,
    });
  });
  test('the progress of sections rises to the end of writing', () => {
    expect([1, 3, 4, 5, 7].map(sectionShare)).toEqual([50, 16, 12, 10, 7]);
  });
  test('sections are revised that a note names, all of them where none is named', () => {
    expect(sectionsToRevise([{ section: 2 }, { section: null }, { section: 2 }], 4)).toEqual([2]);
    expect(sectionsToRevise([{ section: null }], 3)).toEqual([0, 1, 2]);
    expect(sectionsToRevise([{ section: 7 }], 2)).toEqual([0, 1]);
  });
});
