import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readabilityOf } from '../../activities/content/judge/readability.ts';
import type { QualityInput } from '../../domain/content/quality.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/articles/', import.meta.url));

export interface Article {
  readonly name: string;
  readonly isGood: boolean;
  /** Limits may be chosen on `tuning` alone; `later` was written when they stood, and belongs to the other half. */
  readonly half: 'tuning' | 'holdout' | 'later';
  readonly input: QualityInput;
}

const toArticle = (file: string): Article => {
  const found = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(readFileSync(FOLDER + file, 'utf8'));
  const [, head = '', body = ''] = found ?? [];
  const facts = new Map(
    head.split('\n').map((line): [string, string] => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1).trim()];
    }),
  );
  const fact = (name: string): string => facts.get(name) ?? '';
  const name = file.replace(/\.md$/, '');
  const [min = 0, max = 0] = fact('words').split('-').map(Number);
  // The third byte, as it halves both labels about evenly; chosen before anything was measured.
  const isTuning = (createHash('sha256').update(name).digest()[2] ?? 0) % 2 === 0;
  return {
    name,
    isGood: fact('label') === 'good',
    half: fact('set') === 'later' ? 'later' : isTuning ? 'tuning' : 'holdout',
    input: {
      title: fact('title'),
      body,
      keyword: fact('keyword') === 'null' ? null : fact('keyword'),
      targetWords: { min, max },
      readability: readabilityOf(body),
      citations: {
        used: [...body.matchAll(/\[(\d+)\]/g)].map(([, n]) => Number(n)),
        known: Number(fact('sources') || 0),
      },
      nearest: null,
    },
  };
};

/** The labelled articles of test/fixtures/articles, by name. */
export const readArticles = (): Article[] =>
  readdirSync(FOLDER)
    .filter((file) => file.endsWith('.md'))
    .toSorted()
    .map(toArticle);

/** Area under the curve: how often a good article scores above a bad one, ties by half. */
export const areaUnderCurve = (scored: readonly { isGood: boolean; score: number }[]): number => {
  const good = scored.filter(({ isGood }) => isGood);
  const bad = scored.filter(({ isGood }) => !isGood);
  const wins = good.flatMap((g) => bad.map((b) => (g.score > b.score ? 1 : g.score === b.score ? 0.5 : 0)));
  return wins.reduce<number>((sum, win) => sum + win, 0) / wins.length;
};
