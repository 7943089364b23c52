import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { embedArticle } from '../../activities/content/judge/similarity.ts';
import { createEmbedder, type Embedder } from '../../activities/models/providers/embeddings.ts';
import { cosine } from '../../domain/content/quality/chunks.ts';
import { measureQuality, passes } from '../../domain/content/quality.ts';
import { DEFAULT_THRESHOLD } from '../../domain/content/quality/threshold.ts';
import { createLogger } from '../../platform/logger.ts';
import { areaUnderCurve, readArticles, type Article } from './articles.ts';

const articles = readArticles();
const signal = new AbortController().signal;

interface Scored {
  readonly name: string;
  readonly half: Article['half'];
  readonly isGood: boolean;
  readonly score: number;
}

const inHalf = (scored: readonly Scored[], ...halves: Article['half'][]): Scored[] =>
  scored.filter(({ half }) => halves.includes(half));

const report = (what: string, scored: readonly Scored[]): string => {
  const line = (title: string, ...halves: Article['half'][]): string => {
    const some = inHalf(scored, ...halves);
    const right = some.filter(({ score, isGood }) => passes(score) === isGood).length;
    const good = some.filter(({ isGood }) => isGood).length;
    return `  ${title.padEnd(24)} AUC ${areaUnderCurve(some).toFixed(4)}, ${right} of ${some.length} on the right side of ${DEFAULT_THRESHOLD} (${good} good)`;
  };
  return [
    what,
    line('tuning half', 'tuning'),
    line('holdout half', 'holdout'),
    line('written afterwards', 'later'),
    line('holdout and afterwards', 'holdout', 'later'),
  ].join('\n');
};

describe('the judge, by measures alone,', () => {
  const scored = articles.map(({ name, half, isGood, input }): Scored => ({
    name,
    half,
    isGood,
    score: measureQuality(input).score,
  }));

  test('has at least thirty good and thirty bad articles to be tried on', () => {
    expect(articles.filter(({ isGood }) => isGood).length).toBeGreaterThanOrEqual(30);
    expect(articles.filter(({ isGood }) => !isGood).length).toBeGreaterThanOrEqual(30);
  });

  test('tells good from bad on articles on which no limit was chosen', () => {
    console.log(report('Measured by rules', scored));
    expect(areaUnderCurve(inHalf(scored, 'holdout'))).toBeGreaterThanOrEqual(0.9);
    expect(areaUnderCurve(inHalf(scored, 'holdout', 'later'))).toBeGreaterThanOrEqual(0.9);
  });

  test('lets no bad article of the tuning half pass, and stops no good one', () => {
    const wrong = inHalf(scored, 'tuning').filter(({ score, isGood }) => passes(score) !== isGood);
    expect(wrong).toEqual([]);
  });
});

describe('the judge with embeddings', () => {
  let embedder: Embedder;
  const about = new Map<string, readonly number[]>();
  const vectors = new Map<string, Float32Array>();
  beforeAll(async () => {
    embedder = createEmbedder({ log: createLogger('test', 'error') });
    for (const { name, input } of articles) {
      const embedded = await embedArticle(embedder, input, signal);
      if (embedded.state !== 'ready') continue;
      about.set(name, embedded.about);
      vectors.set(name, embedded.vector);
    }
  }, 180_000);
  afterAll(() => embedder?.close());

  test('tells them apart no worse', () => {
    const scored = articles.map(({ name, half, isGood, input }): Scored => {
      const { score } = measureQuality({ ...input, about: about.get(name) ?? null });
      return { name, half, isGood, score };
    });
    console.log(report('Measured by rules and embeddings', scored));
    expect(areaUnderCurve(inHalf(scored, 'holdout'))).toBeGreaterThanOrEqual(0.9);
    expect(areaUnderCurve(inHalf(scored, 'holdout', 'later'))).toBeGreaterThanOrEqual(0.9);
  });

  test('sees that a text is about something else than its title', () => {
    const lowest = (name: string): number => Math.min(...(about.get(name) ?? []));
    expect(lowest('wrong-title-subtle')).toBeLessThan(0.15);
    expect(lowest('blossom-end-rot')).toBeGreaterThan(0.3);
  });

  test('finds a lightly edited copy nearer than any two articles of the set', async () => {
    const names = [...vectors.keys()];
    const vectorOf = (name: string): Float32Array => vectors.get(name) ?? new Float32Array();
    const others = names.flatMap((a) =>
      names.filter((b) => a < b).map((b) => cosine(vectorOf(a), vectorOf(b))),
    );
    const copies: number[] = [];
    for (const { name, input } of articles.filter(({ isGood }) => isGood).slice(0, 12)) {
      const body = input.body
        .replace(/\bit is\b/gi, "it's")
        .replace(/\bbut\b/g, 'however')
        .replace(/\b(?:big|large)\b/g, 'sizeable');
      const copy = await embedArticle(embedder, { ...input, body }, signal);
      if (copy.state === 'ready') copies.push(cosine(vectorOf(name), copy.vector));
    }
    console.log(
      `nearest two articles ${Math.max(...others).toFixed(3)}, farthest copy ${Math.min(...copies).toFixed(3)}`,
    );
    expect(copies).toHaveLength(12);
    expect(Math.min(...copies)).toBeGreaterThan(0.95);
    expect(Math.max(...others)).toBeLessThan(0.9);
  });
});
