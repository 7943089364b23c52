import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { altOfCard, altOfPicture } from './alt.ts';
import {
  charactersOf,
  designOf,
  oneLine,
  PALETTES,
  PATTERN_OPACITY,
  PATTERNS,
  randomFrom,
  seedOf,
  withoutCharacters,
} from './card.ts';
import { blend, contrast } from './colour.ts';
import { imageUrl, pictureType, sizeName, widthsFor } from './image.ts';
import { imagePrompt } from './prompt.ts';

describe('colours', () => {
  test.each([
    ['#000000', '#ffffff', 21],
    ['#ffffff', '#ffffff', 1],
    ['#777777', '#ffffff', 4.48],
    ['#ff0000', '#ffffff', 4],
  ] as const)('%s on %s have a contrast of %d', (one, other, ratio) => {
    expect(contrast(one, other)).toBeCloseTo(ratio, 2);
    expect(contrast(other, one)).toBe(contrast(one, other));
  });

  test.each(PALETTES.map((palette) => [palette.name, palette] as const))(
    '%s is legible (WCAG AA), wherever words stand and whatever pattern lies beneath',
    (_name, { ground, ink, accent }) => {
      for (const colour of ground) {
        const beneath = blend(colour, accent, PATTERN_OPACITY.beneath);
        for (const [words, on] of [
          [ink, colour],
          [ink, beneath],
          [accent, colour],
          [accent, beneath],
          // Where a long title reaches into the pattern.
          [ink, blend(colour, accent, PATTERN_OPACITY.beside * 0.6)],
        ] as const)
          expect(contrast(words, on)).toBeGreaterThanOrEqual(4.5);
      }
    },
  );
});

describe('the design of a card', () => {
  test('follows from its title and variant alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (title, variant) => {
        expect(designOf({ title, variant })).toEqual(designOf({ title: ` ${title} `, variant }));
      }),
    );
  });

  test('differs between the cards of a series', () => {
    const names = Array.from({ length: 4 }, (_, variant) => {
      const { palette, pattern } = designOf({ title: 'One title', variant });
      return `${palette.name}/${pattern}`;
    });
    expect(new Set(names).size).toBe(4);
  });

  test('spreads titles over all palettes and patterns', () => {
    const designs = Array.from({ length: 600 }, (_, i) => designOf({ title: `Title ${i}`, variant: 0 }));
    expect(new Set(designs.map(({ palette, pattern }) => `${palette.name}/${pattern}`)).size).toBeGreaterThan(
      (PALETTES.length * PATTERNS.length) / 2,
    );
  });

  test('rests on numbers that are the same on every machine', () => {
    expect([seedOf(''), seedOf('a'), seedOf('Houseplants')]).toEqual([2872998923, 444641715, 106304071]);
    const random = randomFrom(42);
    expect([random(), random()].map((n) => n.toFixed(6))).toEqual(['0.601104', '0.448291']);
  });
});

describe('words that a font lacks', () => {
  test.each([
    ['Launch day 🚀🎉 for Tokyo (東京) offices', '🚀🎉東京', 'Launch day for Tokyo offices'],
    ['Family 👩‍👩‍👧 time', '👩‍👩‍👧', 'Family time'],
    ['Done ✅.', '✅', 'Done.'],
    ['東京の静かな朝', '東京の静かな朝', ''],
    ['東京 guide', '東京', ''],
    ['🎉', '🎉', ''],
    ['All here', '', 'All here'],
  ])('%s without %s is "%s"', (text, lost, kept) => {
    expect(withoutCharacters(text, new Set(charactersOf(lost)))).toBe(kept);
  });

  test('never remain', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'grapheme', maxLength: 3 }),
        (text, lost) => {
          const gone = charactersOf(lost).filter((character) => character.trim() !== '');
          const kept = charactersOf(withoutCharacters(text, new Set(gone)));
          expect(kept.filter((character) => gone.includes(character))).toEqual([]);
        },
      ),
    );
  });

  test('one line has no line breaks, no control and no direction marks', () => {
    expect(oneLine('  a\n\tb\u202e\u0007c\u200b ')).toBe('a bc');
  });
});

describe('alternative texts', () => {
  test.each([
    ['How to repot a houseplant', 'Title card: How to repot a houseplant'],
    ['  \n ', 'Title card'],
    ['東京', 'Title card: 東京'],
  ])('a card titled %j is "%s"', (title, alt) => expect(altOfCard(title)).toBe(alt));

  test.each([
    [
      'Create an image of a cat asleep on a warm keyboard. Soft light, 35mm lens.',
      'A cat asleep on a warm keyboard',
    ],
    ['a photorealistic photo of two people repotting a fern', 'Two people repotting a fern'],
    ['Hands in soil, close up', 'Hands in soil, close up'],
  ])('the prompt %j shows "%s"', (prompt, alt) =>
    expect(altOfPicture({ prompt, title: 'T', style: null })).toBe(alt),
  );

  test('without a usable prompt, they name what is illustrated', () => {
    const style = '3d' as const;
    expect(altOfPicture({ prompt: ' . ', title: 'Tea', style })).toBe('3D rendering for “Tea”');
    expect(altOfPicture({ prompt: '', title: '', style: null })).toBe('Image');
  });

  test('are one line of 1 to 160 characters, whatever comes in', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 400 });
    fc.assert(
      fc.property(text, text, (prompt, title) => {
        for (const alt of [altOfCard(title), altOfPicture({ prompt, title, style: 'illustration' })]) {
          expect(alt.trim()).toBe(alt);
          expect(alt).not.toMatch(/[\n\0]/);
          expect(Array.from(alt).length).toBeGreaterThan(0);
          expect(Array.from(alt).length).toBeLessThanOrEqual(160);
        }
      }),
    );
  });
});

describe('a prompt', () => {
  test('asks for the style and for no lettering', () => {
    const prompt = imagePrompt({ prompt: 'A fern\non a sill', title: 'Ferns', style: 'illustration' });
    expect(prompt).toMatch(/^A fern on a sill\nStyle: .*illustration.*\nNo text/);
  });

  test('that says nothing becomes the title', () => {
    expect(imagePrompt({ prompt: ' ', title: 'Ferns', style: null })).toContain('“Ferns”');
  });

  test('is never longer than the vendors take', () => {
    const prompt = imagePrompt({ prompt: 'x'.repeat(50_000), title: '', style: 'photorealistic' });
    expect(prompt.length).toBeLessThan(4_000);
  });
});

describe('sizes and files', () => {
  test.each([
    [1536, [400, 800, 1200]],
    [1200, [400, 800, 1200]],
    [1080, [400, 800, 1080]],
    [400, [400]],
    [50, [50]],
  ])('an original of %d pixels gets %j', (width, widths) => expect(widthsFor(width)).toEqual(widths));

  test('have an address that never changes', () => {
    expect(imageUrl('https://a.example', 'the-id', sizeName(800))).toBe(
      'https://a.example/media/the-id/800.webp',
    );
  });

  test.each([
    ['<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['GIF88a'],
    ['RIFFxxxxWAVE'],
    ['%PDF-1.7'],
    [''],
    ['\x89PNG'],
  ])('%j begins no picture', (text) => expect(pictureType(Buffer.from(text, 'latin1'))).toBeUndefined());
});
