/**
 * The judge's own measures: pure rules over the text and what was measured outside (readability, citations, the nearest
 * post). What each part means and how its limits were chosen: docs/judge.md.
 */
import {
  measureEndings,
  measureLength,
  measureLists,
  measureMarkdown,
  measureParagraphs,
  measureStructure,
  type WordRange,
} from './quality/form.ts';
import {
  isOtherLanguage,
  measureEnglish,
  measureGrammar,
  measureReadability,
  measureRhythm,
  measureSentences,
  measureShouting,
  measureVariety,
  type Readability,
} from './quality/language.ts';
import { measureLeaks } from './quality/leaks.ts';
import { finding, overall, ramp, share, type Finding, type Note, type Part } from './quality/part.ts';
import { measureOpenings, measurePhrases, measureRepetition } from './quality/repetition.ts';
import {
  measureCliches,
  measureGeneric,
  measureHeadings,
  measureHype,
  measureKeyword,
  measureParticulars,
  measureTopic,
} from './quality/substance.ts';
import { parseText, type Text } from './quality/text.ts';
import { DEFAULT_THRESHOLD } from './quality/threshold.ts';

export type { Note, Part } from './quality/part.ts';
export type { Readability } from './quality/language.ts';

export interface QualityInput {
  readonly title: string;
  /** Markdown, without the title. */
  readonly body: string;
  readonly keyword: string | null;
  readonly targetWords: WordRange | null;
  readonly readability: Readability;
  /** `used`: numbers of sources that the text names; `known`: how many sources there are, numbered from 1. */
  readonly citations: { readonly used: readonly number[]; readonly known: number };
  /** The most similar post that exists, by cosine; `null` where nothing was compared. */
  readonly nearest: { readonly similarity: number; readonly title: string } | null;
  /** How near each piece of the text is to its title, by cosine; left out or `null` where nothing was compared. */
  readonly about?: readonly number[] | null;
}

export interface Measured {
  /** 0 to 100: what is left when each part has taken its share. */
  readonly score: number;
  readonly parts: readonly Part[];
  readonly notes: readonly Note[];
}

const measureCitations = ({ used, known }: QualityInput['citations']): Finding => {
  const unknown = used.filter((n) => n < 1 || n > known);
  const names = [...new Set(unknown)].map((n) => `[${n}]`).join(', ');
  return finding('citations', 35, {
    score: 100 - 100 * share(unknown.length, used.length),
    value: unknown.length,
    notes: [overall(`Remove or replace citations that no source stands behind: ${names}.`)],
  });
};

/** Cosine of the embeddings: two texts on one topic stay below the first figure, copies with small changes reach the second. */
const ORIGINAL = 0.84;
const COPIED = 0.95;

const measureOriginality = ({ similarity, title }: NonNullable<QualityInput['nearest']>): Finding =>
  finding('originality', 50, {
    score: ramp(similarity, COPIED, ORIGINAL),
    value: similarity,
    notes: [overall(`Say something that "${title}" does not say yet: the two are nearly the same.`)],
  });

/** Cosine of a piece and the title: pieces of a text on its topic lie above the first figure, others below the second. */
const ON_TOPIC = 0.3;
const OFF_TOPIC = 0.1;

const measureAbout = (about: readonly number[]): Finding => {
  const lowest = Math.min(...about);
  const away = about.filter((value) => value < ON_TOPIC).length;
  const note =
    away === about.length
      ? 'Write about what the title promises: the text is about something else.'
      : `Stay with the topic: ${away} of ${about.length} pieces of the text are about something else.`;
  return finding('about', 50, {
    score: ramp(lowest, OFF_TOPIC, ON_TOPIC),
    value: lowest,
    notes: [overall(note)],
  });
};

/** Parts that rest on lists of English words, or on a model of English. */
const inEnglish = (text: Text, { readability, about, ...subject }: QualityInput): Finding[] => [
  measureEnglish(text),
  measureGrammar(text),
  measureVariety(text),
  measureCliches(text),
  measureHype(text),
  measureGeneric(text),
  measureTopic(text, subject),
  measureHeadings(text, subject),
  ...(Number.isFinite(readability.fleschReadingEase) ? [measureReadability(readability)] : []),
  ...(about && about.length > 0 ? [measureAbout(about)] : []),
];

const MAX_NOTES = 12;

/**
 * Measures an article. Parts that do not apply (no keyword, nothing to compare with, a language other than English) are
 * left out. Each part takes up to `weight` percent of what the others leave, in proportion to what its own score lacks: one
 * part that fails is enough to fail an article, and a second one still shows.
 */
export const measureQuality = (input: QualityInput): Measured => {
  const text = parseText(input.body);
  const findings = [
    measureLength(text, input.targetWords),
    measureStructure(text),
    measureParagraphs(text),
    measureLists(text),
    measureMarkdown(text),
    measureEndings(text),
    measureSentences(text),
    measureRhythm(text),
    measureShouting(text),
    measureRepetition(text),
    measurePhrases(text),
    measureOpenings(text),
    measureLeaks(text),
    measureParticulars(text),
    ...(isOtherLanguage(text.words) ? [] : inEnglish(text, input)),
    ...(input.keyword ? [measureKeyword(text, { title: input.title, keyword: input.keyword })] : []),
    ...(input.citations.used.length > 0 ? [measureCitations(input.citations)] : []),
    ...(input.nearest ? [measureOriginality(input.nearest)] : []),
  ];
  const lossOf = ({ part }: Finding): number => (part.weight * (100 - part.score)) / 100;
  const left = findings.reduce((rest, one) => rest * (1 - lossOf(one) / 100), 1);
  const worstFirst = findings.toSorted((a, b) => lossOf(b) - lossOf(a));
  return {
    score: Math.round(100 * left),
    parts: findings.map(({ part }) => part),
    notes: worstFirst.flatMap(({ notes }) => notes.slice(0, 4)).slice(0, MAX_NOTES),
  };
};

/** What a model that is able to judge said. `score` 0 to 100. */
export interface ModelJudgement {
  readonly score: number;
  readonly reasons: readonly string[];
  readonly modelId: string;
}

export interface Reason {
  readonly source: 'measured' | 'model';
  readonly text: string;
}

export interface Verdict {
  /** 0 to 100. */
  readonly score: number;
  readonly measuredScore: number;
  readonly modelScore: number | null;
  readonly modelId: string | null;
  /** What the score rests on, as a sentence for people. */
  readonly basis: string;
  readonly reasons: readonly Reason[];
}

/** The model's share of a common score; the rest is measured. */
const MODEL_SHARE = 0.5;
/** A model may lift a measured score by this much: a placeholder stays one, however well the rest reads. */
const MAX_LIFT = 20;
const MEASURED_REASONS = 5;

/**
 * One score from both sources, each reason marked with its own. Half of it is the model's, and at most 20 points more than
 * was measured. Without a model's judgement the measured score stands alone and `basis` says so.
 */
export const combineVerdict = (measured: Measured, model: ModelJudgement | null): Verdict => {
  const common = model ? (1 - MODEL_SHARE) * measured.score + MODEL_SHARE * model.score : measured.score;
  const found = [...new Set(measured.notes.map(({ text }) => text))].slice(0, MEASURED_REASONS);
  const reasons = found.length > 0 ? found : ['Nothing that code can measure speaks against the text.'];
  return {
    score: Math.round(Math.min(common, measured.score + MAX_LIFT)),
    measuredScore: measured.score,
    modelScore: model?.score ?? null,
    modelId: model?.modelId ?? null,
    basis: model
      ? `Measured by code (${measured.score}) and judged by ${model.modelId} (${model.score}).`
      : `Measured by code alone (${measured.score}): no model that is able to judge was asked.`,
    reasons: [
      ...reasons.map((text): Reason => ({ source: 'measured', text })),
      ...(model?.reasons ?? []).map((text): Reason => ({ source: 'model', text })),
    ],
  };
};

/** Whether a score is good enough to go on without another revision. */
export const passes = (score: number, threshold: number = DEFAULT_THRESHOLD): boolean => score >= threshold;
