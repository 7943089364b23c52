import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import type { Config } from '../../platform/config.ts';
import { startImageDouble, type ImageAnswer, type ImageDouble } from '../../test/doubles/image-double.ts';
import { until } from '../../test/harness/until.ts';
import { createImageModels } from './image-models.ts';
import { makeImage, type ImageWish } from './make-image.ts';
import { readPicture, sizePicture } from './sizes.ts';
import { openTitleCards } from './title-card.ts';

const titleCards = openTitleCards();
afterAll(() => titleCards.close());

const WISH: ImageWish = {
  prompt: 'A fern on a window sill',
  title: 'All about ferns',
  category: 'Guides',
  siteName: 'Journal',
  style: 'illustration',
  alt: null,
};
const never = (): AbortSignal => new AbortController().signal;

const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#7a9' } });

describe('reading a picture', () => {
  test('takes away what the camera wrote, and turns it upright', async () => {
    const shot = await picture(60, 20)
      .jpeg()
      .withExif({ IFD0: { Copyright: 'Somebody', ImageDescription: 'at home' } })
      .withMetadata({ orientation: 6 })
      .toBuffer();
    expect((await sharp(shot).metadata()).exif).toBeDefined();
    const read = await readPicture(shot);
    expect(read).toMatchObject({ contentType: 'image/jpeg', width: 20, height: 60 });
    const { exif, icc, xmp, orientation } = await sharp(read.bytes).metadata();
    expect({ exif, icc, xmp, orientation }).toEqual({
      exif: undefined,
      icc: undefined,
      xmp: undefined,
      orientation: undefined,
    });
    expect(Buffer.from(read.bytes).includes('Somebody')).toBe(false);
  });

  test.each(['png', 'webp', 'avif', 'gif'] as const)('keeps %s as PNG', async (format) => {
    const read = await readPicture(await picture(40, 30).toFormat(format).toBuffer());
    expect(read).toMatchObject({ contentType: 'image/png', width: 40, height: 30 });
    expect(Buffer.from(read.bytes).subarray(1, 4).toString()).toBe('PNG');
  });

  test.each<[string, () => Promise<Uint8Array>]>([
    ['nothing', async () => Buffer.alloc(0)],
    ['a text', async () => Buffer.from('this is no image')],
    ['a page', async () => Buffer.from('<html><body>503</body></html>')],
    [
      'a vector graphic',
      async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    ],
    ['half a picture', async () => (await picture(400, 400).png().toBuffer()).subarray(0, 120)],
    ['a head without a body', async () => Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')],
    ['more pixels than allowed', () => picture(8_000, 5_001).png().toBuffer()],
    ['more bytes than allowed', async () => Buffer.alloc(25_000_001)],
  ])('refuses %s', async (_what, bytes) => {
    await expect(readPicture(await bytes())).rejects.toMatchObject({
      kind: 'unprocessable',
      code: 'not_an_image',
    });
  });
});

describe('the sizes of a picture', () => {
  test.each([
    [
      1600,
      900,
      [
        [400, 225],
        [800, 450],
        [1200, 675],
      ],
    ],
    [
      600,
      600,
      [
        [400, 400],
        [600, 600],
      ],
    ],
    [300, 10, [[300, 10]]],
  ] as const)('%d × %d', async (width, height, expected) => {
    const { sizes, sha256 } = await sizePicture(
      await readPicture(await picture(width, height).png().toBuffer()),
    );
    expect(sizes.map((size) => [size.width, size.height])).toEqual(expected);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    for (const size of sizes)
      expect(await sharp(size.data).metadata()).toMatchObject({
        format: 'webp',
        width: size.width,
        height: size.height,
        size: size.bytes,
      });
  });
});

describe('making an image', () => {
  let double: ImageDouble;
  beforeEach(async () => (double = await startImageDouble()));
  afterEach(() => double.close());

  const deps = (config: Partial<Config['images']> = {}) => ({
    titleCards,
    imageModels: createImageModels({
      chosen: 'openai:gpt-image-1',
      price: 40_000,
      openai: { apiKey: 'k-0123456789', baseUrl: `${double.url}/v1` },
      google: { apiKey: null, baseUrl: null },
      compatible: { apiKey: null, baseUrl: null },
      ...config,
    }),
  });

  test('without a model draws a card, for nothing, and says nothing', async () => {
    const { images, note } = await makeImage(deps({ chosen: null }), WISH, never());
    expect(note).toBeNull();
    expect(images).toEqual([
      expect.objectContaining({
        origin: 'title_card',
        model: null,
        costMicros: 0,
        contentType: 'image/png',
        width: 1200,
        height: 630,
        alt: 'Title card: All about ferns',
      }),
    ]);
    expect(double.calls).toHaveLength(0);
  });

  test('with a model gives its picture, its price and what it shows', async () => {
    double.next({ kind: 'images', images: [await picture(1536, 1024).png().toBuffer()] });
    const { images, note } = await makeImage(deps(), WISH, never());
    expect(note).toBeNull();
    expect(images).toEqual([
      expect.objectContaining({
        origin: 'model',
        model: 'openai:gpt-image-1',
        costMicros: 40_000,
        width: 1536,
        height: 1024,
        alt: 'A fern on a window sill',
      }),
    ]);
    expect(String(double.calls[0]?.body['prompt'])).toMatch(
      /^A fern on a window sill\nStyle: .*illustration/,
    );
  });

  test('takes an author’s alternative text for a picture, but not for a card that shows something else', async () => {
    const wish = { ...WISH, alt: ' Two ferns ' };
    expect((await makeImage(deps(), wish, never())).images[0]?.alt).toBe('Two ferns');
    expect((await makeImage(deps({ chosen: null }), wish, never())).images[0]?.alt).toBe(
      'Title card: All about ferns',
    );
  });

  test('does not know what a picture costs when nobody said', async () => {
    expect((await makeImage(deps({ price: null }), WISH, never())).images[0]?.costMicros).toBeNull();
  });

  test('makes several, each card another', async () => {
    expect((await makeImage(deps(), { ...WISH, count: 3 }, never())).images).toHaveLength(3);
    const { images } = await makeImage(deps({ chosen: null }), { ...WISH, count: 2 }, never());
    expect(Buffer.compare(images[0]?.bytes ?? Buffer.of(), images[1]?.bytes ?? Buffer.of())).not.toBe(0);
  });

  test.each<[string, ImageAnswer, RegExp]>([
    ['refuses', { kind: 'status', status: 400, message: 'not this prompt' }, /HTTP 400.*not this prompt/],
    ['is busy', { kind: 'status', status: 429, message: 'slow down' }, /HTTP 429/],
    ['is down', { kind: 'status', status: 503, message: 'later' }, /HTTP 503/],
    [
      'wants another key',
      { kind: 'status', status: 401, message: 'bad k-0123456789' },
      /check OPENAI_API_KEY/,
    ],
    ['shows nothing', { kind: 'nothing' }, /without a picture/],
  ])('falls back to a card when the model %s, and says so', async (_what, answer, words) => {
    double.next(answer);
    const { images, note } = await makeImage(deps(), WISH, never());
    expect(images).toEqual([expect.objectContaining({ origin: 'title_card', model: null, costMicros: 0 })]);
    expect(note).toMatch(/^A title card was drawn instead of a picture: openai:gpt-image-1/);
    expect(note).toMatch(words);
    expect(note).not.toContain('k-0123456789');
  });

  test('falls back when the answer is no picture, which was paid for all the same', async () => {
    double.next({ kind: 'images', images: [Buffer.from('<html>quota</html>')] });
    const { images, note } = await makeImage(deps(), WISH, never());
    expect(images).toEqual([expect.objectContaining({ origin: 'title_card', costMicros: 40_000 })]);
    expect(note).toMatch(/answered with something else.*neither PNG/);
  });

  test('falls back when the model is not usable, and names the setting', async () => {
    const { images, note } = await makeImage(
      deps({ chosen: 'google:gemini-2.5-flash-image' }),
      WISH,
      never(),
    );
    expect(images[0]?.origin).toBe('title_card');
    expect(note).toContain('GOOGLE_GENERATIVE_AI_API_KEY');
  });

  test('ends with its caller and draws nothing then', async () => {
    double.next({ kind: 'hang' });
    const stop = new AbortController();
    const reason = new Error('cancelled');
    const making = makeImage(deps(), WISH, stop.signal);
    await until(async () => double.calls.length === 1, 'the call');
    stop.abort(reason);
    await expect(making).rejects.toBe(reason);
    await until(async () => double.calls[0]?.status === 'aborted', 'the end of the connection');
  });
});
