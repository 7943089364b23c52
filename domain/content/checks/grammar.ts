/** Slips in English that a rule can be sure of, or nearly. */
import { wordsOf, type Block, type Text } from '../quality/text.ts';
import { excerptAt, lineAt, readableRaw, type Issue } from './issue.ts';

interface Rule {
  readonly pattern: RegExp;
  readonly severity: Issue['severity'];
  readonly message: string;
  /** Whether a match is one; `before` is the little text in front of it that matters. */
  readonly holds?: (match: RegExpExecArray, before: string) => boolean;
}

/** "He had had enough", "what that is is clear", "no no". */
const MAY_DOUBLE = new Set([
  'that',
  'had',
  'is',
  'no',
  'very',
  'so',
  'bye',
  'ha',
  'do',
  'her',
  'you',
  'in',
  'on',
  'can',
  'will',
  'long',
  'many',
]);
const VOWEL_LETTER = /^[aeiou]/i;
/** Written with a vowel, spoken with a consonant: a university, a one-off. */
const CONSONANT_SOUND =
  /^(?:uni(?!n|m[^o])|us(?:e|u|a)|eu|ewe|one\b|once|one-|ur[aio]|uk|ut[aeiou]|ub[iu]|u-)/i;
/** Written with a consonant, spoken with a vowel: an hour. */
const VOWEL_SOUND = /^(?:hour|honest|honou?r|heir|herb|h-|x-|f-|l-|m-|n-|s-)/i;
const AFTER_LETTER = /^(?:is|are|or|and|in|on|at|as|if|of|are|into|over|under|onto|above|also)$/i;
const ABBREVIATIONS =
  /(?:\b(?:e\.g|i\.e|etc|vs|cf|al|approx|ca|no|nos|fig|vol|pp|ed|eds|dept|min|max|est|inc|ltd|co|st|mr|mrs|ms|dr|jr|sr|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|a\.m|p\.m)|\b\p{L}|\.\p{L}|\.)$/iu;
const BEFORE = 12;
/** Of one kind: who sees fifty need not see the others to know what to do. */
const MAX_IN_BLOCK = 50;
const isAcronym = (word: string): boolean => /^[A-Z0-9]{1,6}s?$/.test(word) || /\d/.test(word);

const RULES: readonly Rule[] = [
  {
    pattern: /(?<![\p{L}\p{N}'’-])(\p{L}+)[ \n]+\1(?![\p{L}\p{N}'’-])/giu,
    severity: 'error',
    message: 'The word stands here twice.',
    holds: ([said, word = '']) =>
      !MAY_DOUBLE.has(word.toLowerCase()) && !/^\p{Lu}\S*\s+\p{Lu}/u.test(said) && word.length > 1,
  },
  {
    pattern: /(?<![\p{L}\p{N}'’.*_-])a +["“*_]{0,2}(\p{L}[\p{L}-]*)/gu,
    severity: 'error',
    message: 'Write "an" before a vowel.',
    holds: ([, next = '']) =>
      VOWEL_LETTER.test(next) && !CONSONANT_SOUND.test(next) && !isAcronym(next) && !AFTER_LETTER.test(next),
  },
  {
    pattern: /(?<![\p{L}\p{N}'’-])[Aa]n +["“*_]{0,2}(\p{L}[\p{L}-]*)/gu,
    severity: 'error',
    message: 'Write "a" before a consonant.',
    holds: ([, next = '']) =>
      (!VOWEL_LETTER.test(next) || /^(?:uni[vtq]|use[fr]|euro)/i.test(next)) &&
      !VOWEL_SOUND.test(next) &&
      !isAcronym(next),
  },
  {
    pattern: /(?<=\p{Ll})\.[ \n]+(\p{Ll}[\p{L}]*)/gu,
    severity: 'error',
    message: 'Begin the sentence with a capital letter.',
    holds: ([, next = ''], before) => !ABBREVIATIONS.test(before) && !/\p{Lu}/u.test(next),
  },
  {
    pattern: /(?<=[\p{L}\p{N}"”’)]) +[,;](?=\s|$)|(?<=\p{L}) +[.!?](?=\s|$)/gmu,
    severity: 'error',
    message: 'No space belongs before this mark.',
  },
  {
    pattern: /,[ ]?,|;[ ]?;|(?<!\.)\.\.(?!\.|\/)|:{2,}(?= |$)/gm,
    severity: 'error',
    message: 'Use one mark.',
  },
  { pattern: /!{2,}|\?{2,}|(?:\?!|!\?){2,}/g, severity: 'warning', message: 'One mark is enough.' },
];

const issue = (severity: Issue['severity'], message: string, excerpt: string, line: number): Issue => ({
  check: 'grammar',
  severity,
  message,
  excerpt,
  line,
});

const byRule = (block: Block): Issue[] => {
  const text = readableRaw(block);
  return RULES.flatMap(({ pattern, severity, message, holds }) =>
    [...text.matchAll(pattern)]
      .filter((match) => holds?.(match, text.slice(Math.max(0, match.index - BEFORE), match.index)) ?? true)
      .slice(0, MAX_IN_BLOCK)
      .map((match) =>
        issue(
          severity,
          message,
          excerptAt(block.raw, match.index, match[0].length),
          lineAt(block, text, match.index),
        ),
      ),
  );
};

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

/** Quotation marks and brackets that nothing closes. A quote may go on in the next paragraph, which then opens again. */
const unbalanced = (block: Block, next: Block | undefined): Issue[] => {
  const text = readableRaw(block)
    .replace(/(?<=\d)["”″](?!\s*\p{L}*["”])/gu, '')
    .replace(/[:;]-?[()]/g, '')
    .replace(/(?<![\p{L}\p{N}])(?:\p{L}|\d{1,2}|[ivx]{1,4})\)/gu, '');
  const goesOn = next?.kind === block.kind && /^\s*["“]/.test(next.raw);
  const warn = (message: string): Issue => issue('warning', message, block.raw.slice(0, 80), block.line);
  return [
    ...(count(text, /\(/g) === count(text, /\)/g) ? [] : [warn('A round bracket has no partner.')]),
    ...(count(text, /\[/g) === count(text, /\]/g) ? [] : [warn('A square bracket has no partner.')]),
    ...(count(text, /“/g) > count(text, /”/g) && !goesOn && !/„/.test(text)
      ? [warn('A quotation mark has no partner.')]
      : []),
    ...(count(text, /"/g) % 2 === 0 || goesOn ? [] : [warn('A quotation mark has no partner.')]),
  ];
};

/** Paragraphs begin with a capital letter, a digit, a mark, or a name such as iPhone. */
const smallStart = (block: Block): Issue[] => {
  if (
    block.kind !== 'paragraph' ||
    !/^\s*\p{Ll}[\p{Ll}'’]*\s/u.test(block.raw) ||
    wordsOf(block.plain).length < 8
  )
    return [];
  return [issue('warning', 'Begin the paragraph with a capital letter.', block.raw.slice(0, 60), block.line)];
};

/** Doubled words, "a" and "an", missing capitals, stray marks and spaces, unbalanced quotes and brackets. English. */
export const checkGrammar = (text: Text): Issue[] => {
  const read = text.blocks.filter(({ kind }) => kind !== 'code' && kind !== 'table');
  return read.flatMap((block, i) => [
    ...byRule(block),
    ...unbalanced(block, read[i + 1]),
    ...smallStart(block),
  ]);
};
