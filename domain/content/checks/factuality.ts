/** What code can say about facts: whether a source is named, never whether a statement is true. */
import { sentencesOf, wordsOf, type Block, type Text } from '../quality/text.ts';
import { readableRaw, type Issue } from './issue.ts';

export interface Facts {
  /** How many sources there are; texts cite them as [1], [2] … */
  readonly sources: number;
}

const CITATION = /\[\^?(\d{1,3}(?:, ?\d{1,3})*)\](?!\()/g;
/** A citation, a link, or a source named in words. */
const HAS_SOURCE =
  /\[\^?\d{1,3}(?:, ?\d{1,3})*\]|\]\(|https?:\/\/|\baccording to (?!(?:a|an|one|another|some|many|recent|several|experts|studies|research)\b)/i;
/** Own experience needs no source, and neither does what the writer asks the reader to do. */
const OWN = /\b(?:I|we|my|our|me|us|mine|ours|I'm|I've|you|your)\b/;

const CLAIMS: readonly (readonly [RegExp, string])[] = [
  [
    /\b(?:studies|research|experts?|scientists|surveys?) (?:have |has )?(?:show|prove|agree|found|find|suggest|recommend|say|confirm)/i,
    'It speaks of studies or experts and names none',
  ],
  [/\d(?:[.,]\d+)?\s?(?:%|percent\b|per cent\b)/i, 'A percentage without a source'],
  [/["“][^"“”]{25,}["”]/, 'A quotation without a source'],
  [/\b(?:1[5-9]|20)\d\d\b/, 'A year without a source'],
  [/\b\d+(?:[.,]\d+)? (?:million|billion|thousand)\b/i, 'A large number without a source'],
];

const warning = (message: string, excerpt: string, line: number): Issue => ({
  check: 'factuality',
  severity: 'warning',
  message,
  excerpt: excerpt.slice(0, 120),
  line,
});

const unknownCitations = (text: Text, { sources }: Facts): Issue[] =>
  text.blocks
    .filter(({ kind }) => kind !== 'code')
    .flatMap((block) =>
      [...readableRaw(block).matchAll(CITATION)].flatMap((match) =>
        (match[1] ?? '')
          .split(',')
          .map(Number)
          .filter((n) => n < 1 || n > sources)
          .map((n): Issue => ({
            check: 'factuality',
            severity: 'error',
            message:
              sources === 0
                ? `[${n}] points to a source, and there are none.`
                : `[${n}] points to no source: there are ${sources}.`,
            excerpt: block.plain.slice(0, 120),
            line: block.line,
          })),
      ),
    );

/** The claims of a paragraph in which no source is named. */
const unsupported = (block: Block): Issue[] => {
  if (HAS_SOURCE.test(block.raw)) return [];
  return sentencesOf(block.plain).flatMap((sentence) => {
    if (OWN.test(sentence) || wordsOf(sentence).length < 4) return [];
    const claim = CLAIMS.find(([pattern]) => pattern.test(sentence));
    return claim ? [warning(`Unsupported claim: ${claim[1]} nearby.`, sentence, block.line)] : [];
  });
};

/** Citations without a source (errors), and figures, years, quotations and studies in paragraphs that name none (warnings). */
export const checkFactuality = (text: Text, facts: Facts): Issue[] => [
  ...unknownCitations(text, facts),
  ...text.blocks.filter(({ kind }) => kind === 'paragraph' || kind === 'item').flatMap(unsupported),
];
