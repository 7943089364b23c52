import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { CARD_SIZES, designOf, type Card } from '../../domain/media/card.ts';
import { openTitleCards } from './title-card.ts';

const cards = openTitleCards();
afterAll(() => cards.close());

const CARD: Card = {
  title: 'Houseplants',
  category: 'Guides',
  siteName: 'Journal',
  shape: 'wide',
  variant: 0,
};
const render = (change: Partial<Card> = {}) => cards.render({ ...CARD, ...change });

/** Where the words of a card are: the box around all pixels in the colour of its ink; undefined where there are none. */
const wordsOn = async (
  card: Card,
): Promise<{ left: number; right: number; top: number; bottom: number } | undefined> => {
  const { data, info } = await sharp(await cards.render(card))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const ink = Number.parseInt(designOf(card).palette.ink.slice(1), 16);
  const wanted = [(ink >> 16) & 255, (ink >> 8) & 255, ink & 255];
  const box = { left: Infinity, right: -1, top: Infinity, bottom: -1 };
  for (let i = 0; i < info.width * info.height; i++) {
    if (wanted.some((channel, c) => Math.abs((data[i * 3 + c] ?? 0) - channel) > 12)) continue;
    const [x, y] = [i % info.width, Math.floor(i / info.width)];
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
  }
  return box.right < 0 ? undefined : box;
};

/** The title and nothing else. */
const titled = (title: string, shape: Card['shape'] = 'wide'): Card => ({
  title,
  category: null,
  siteName: '',
  shape,
  variant: 0,
});

describe('a title card', () => {
  test.each([
    ['wide', 1200, 630],
    ['square', 1080, 1080],
  ] as const)('that is %s has %d × %d pixels', async (shape, width, height) => {
    expect(await sharp(await render({ shape })).metadata()).toMatchObject({ format: 'png', width, height });
  });

  test('is the same, byte for byte, for the same words, in another thread too', async () => {
    const others = openTitleCards();
    const [once, again, elsewhere] = [await render(), await render(), await others.render(CARD)];
    expect(Buffer.compare(once, again)).toBe(0);
    expect(Buffer.compare(once, elsewhere)).toBe(0);
    expect(Buffer.compare(once, await render({ variant: 1 }))).not.toBe(0);
    expect(Buffer.compare(once, await render({ siteName: 'Gazette' }))).not.toBe(0);
    await others.close();
  });

  test.each([
    ['a very long title', 'The quiet economics of slow software for small teams that never hurry '.repeat(6)],
    [
      'one very long word',
      'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
    ],
    ['an endless word', 'W'.repeat(1_000)],
    ['quotes and digits', 'Why “done” beats 98.7% of “perfect” — 2026 & <b>beyond</b> "quoted" \'too\''],
    ['Greek, Cyrillic and Vietnamese', 'Σιωπή Тишина Sự im lặng Łódź naïve'],
  ])('keeps %s inside its margins', async (_what, title) => {
    for (const [shape, margin] of [
      ['wide', 76],
      ['square', 92],
    ] as const) {
      const { width, height } = CARD_SIZES[shape];
      const box = await wordsOn(titled(title, shape));
      expect(box).toBeDefined();
      // A letter's own side bearing may reach a little beyond the box that it stands in.
      expect(box?.left).toBeGreaterThanOrEqual(margin - 4);
      expect(box?.right).toBeLessThanOrEqual(width - margin + 4);
      expect(box?.bottom).toBeLessThanOrEqual(height - margin + 4);
      // And out of the site's name above.
      expect(box?.top).toBeGreaterThanOrEqual(margin + 40);
    }
  });

  test.each([
    ['emoji', '🎉🚀👩‍👩‍👧 ✅'],
    ['Chinese', '東京の静かな朝のための完全ガイド'],
    ['Arabic', 'دليل القهوة'],
    ['control characters', '\u0000\u0007\u202e'],
    ['half a surrogate pair', '\ud83d'],
    ['nothing', ''],
    ['markup', '</svg><script>alert(1)</script>'],
  ])('stands whatever the title holds: %s', async (_what, title) => {
    const [card, again] = [await render({ title }), await render({ title })];
    expect(Buffer.compare(card, again)).toBe(0);
  });

  test('leaves out what the font lacks and sets the rest as if it had never been there', async () => {
    const box = await wordsOn(titled('Houseplants'));
    expect(await wordsOn(titled('Houseplants 🪴'))).toEqual(box);
    expect(box?.right).toBeGreaterThan(400);
  });

  test('shows no title rather than pieces of one', async () => {
    expect(await wordsOn(titled('東京の静かな朝のための guide'))).toBeUndefined();
    expect(await wordsOn(titled('Το 東京'))).toBeUndefined();
  });

  test('sets a short title larger than a long one', async () => {
    const height = async (title: string): Promise<number> => {
      const box = await wordsOn(titled(title));
      return (box?.bottom ?? 0) - (box?.top ?? 0);
    };
    const lines = 7;
    expect(await height('HHH')).toBeGreaterThan(1.5 * ((await height('HHH '.repeat(90))) / lines));
  });
});

describe('drawing', () => {
  test('does not hold up the event loop', async () => {
    const fresh = openTitleCards();
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    for (const title of ['One', 'A rather longer title that needs several tries to fit', 'x'.repeat(400)])
      await fresh.render({ ...CARD, title });
    delay.disable();
    await fresh.close();
    expect(delay.percentile(99) / 1e6).toBeLessThan(50);
  });

  test('ends with its caller, with the reason', async () => {
    const stop = new AbortController();
    const reason = new Error('stopped by a person');
    const card = cards.render(CARD, stop.signal);
    stop.abort(reason);
    await expect(card).rejects.toBe(reason);
    await expect(async () => cards.render(CARD, AbortSignal.abort(reason))).rejects.toBe(reason);
    // The thread goes on serving others.
    expect((await render()).length).toBeGreaterThan(0);
  });

  test('serves many at once, each its own', async () => {
    const titles = Array.from({ length: 8 }, (_, i) => `Title number ${i}`);
    const many = await Promise.all(titles.map((title) => render({ title })));
    for (const [i, title] of titles.entries())
      expect(Buffer.compare(many[i] as Uint8Array, await render({ title }))).toBe(0);
  });

  test('begins again after its thread had gone', async () => {
    const short = openTitleCards({ idleMs: 1 });
    const once = await short.render(CARD);
    await short.close();
    expect(Buffer.compare(await short.render(CARD), once)).toBe(0);
    await short.close();
  });

  test('that is closed in the middle fails its callers', async () => {
    const closing = openTitleCards();
    const card = closing.render(CARD);
    const failed = expect(card).rejects.toThrow(/closed/);
    await closing.close();
    await failed;
  });
});
