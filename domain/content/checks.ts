/** The rules of the QA subtask: what code can find in a text, and plainly what it can't. */
import { checkFactuality, type Facts } from './checks/factuality.ts';
import { checkFormatting } from './checks/formatting.ts';
import { checkGrammar } from './checks/grammar.ts';
import { CHECKS, type Check, type Issue } from './checks/issue.ts';
import { parseText } from './quality/text.ts';

export { CHECKS, type Check, type Issue } from './checks/issue.ts';
export type { Facts } from './checks/factuality.ts';

export interface Checked {
  /** By line; at most 200. */
  readonly issues: readonly Issue[];
  /** What these checks leave to people or to a model that is able to judge. */
  readonly unchecked: readonly { readonly check: Check; readonly text: string }[];
}

const UNCHECKED: Record<Check, string> = {
  grammar: 'Rules for English find slips of writing; agreement, tense, spelling and style are not checked.',
  factuality:
    'Code sees whether a source is named, not whether a statement is true or the source supports it; statements without figures, years or quotations are not looked at.',
  formatting: 'Whether links and images can be reached is not checked.',
};

const MAX_ISSUES = 200;

/** Checks a Markdown text by rule. @param facts what is known of its sources */
export const checkContent = (markdown: string, checks: readonly Check[], facts: Facts): Checked => {
  const text = parseText(markdown);
  const asked = CHECKS.filter((check) => checks.includes(check));
  const run: Record<Check, () => Issue[]> = {
    grammar: () => checkGrammar(text),
    factuality: () => checkFactuality(text, facts),
    formatting: () => checkFormatting(markdown, text),
  };
  const issues = asked.flatMap((check) => run[check]()).toSorted((a, b) => a.line - b.line);
  return {
    issues: issues.slice(0, MAX_ISSUES),
    unchecked: asked.map((check) => ({ check, text: UNCHECKED[check] })),
  };
};

const COST: Record<Issue['severity'], number> = { error: 4, warning: 1 };
/** Unsupported claims are many in honest texts: warnings alone cost no more than this. */
const MOST_FOR_WARNINGS = 15;

/** A measured score less what the issues cost: 4 points for each error, 1 for each warning up to 15. @returns 0 to 100 */
export const qualityScore = (measured: number, issues: readonly Issue[]): number => {
  const errors = issues.filter(({ severity }) => severity === 'error').length;
  const warnings = issues.length - errors;
  const cost = errors * COST.error + Math.min(MOST_FOR_WARNINGS, warnings * COST.warning);
  return Math.max(0, Math.min(100, Math.round(measured - cost)));
};
