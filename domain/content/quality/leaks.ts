/** What does not belong into an article: talk about the task, placeholders, machine output. */
import { finding, ramp, type Finding } from './part.ts';
import type { Text } from './text.ts';

/** `weight` 2 never stands in a finished article, 1 seldom does. */
const LEAKS: readonly { readonly pattern: RegExp; readonly weight: 1 | 2; readonly what: string }[] = [
  {
    pattern:
      /\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b|\b(?:I am|I'm) (?:\w+, )?(?:an? |the )?AI\b|\bAI assistant\b/i,
    weight: 2,
    what: 'a model speaking of itself',
  },
  {
    pattern: /^(?:sure|certainly|absolutely|of course)[!,.]? (?:here|I)\b/i,
    weight: 2,
    what: 'the answer to an instruction',
  },
  {
    pattern:
      /\bhere(?:'s| is| are) (?:a|an|the|your|my) (?:\S+ ){0,4}(?:article|blog post|post|draft|essay|outline|version|guide for you)\b/i,
    weight: 2,
    what: 'the answer to an instruction',
  },
  {
    pattern:
      /\b(?:word count|target (?:audience|length)|meta description|tone|keywords? to include|call to action|thesis statement|hook)\s*:/i,
    weight: 2,
    what: 'the brief',
  },
  {
    pattern:
      /^(?:title|article|premise \d+|outline[^.]{0,30}|introduction hook|conclusion \d+|paragraph \d+|section \d+)\s*:/i,
    weight: 2,
    what: 'a label of the brief',
  },
  {
    pattern:
      /\bI hope this (?:helps|meets|article|info)|\blet me know if you(?:'d| would)? (?:like|want|need)|\b(?:meets|fits) your requirements\b|\bas (?:you )?requested\b/i,
    weight: 2,
    what: 'talk to whoever gave the task',
  },
  {
    pattern: /\bSEO (?:writer|expert|article|keywords?)\b|\bwith the keyword\b|\bused naturally\b/i,
    weight: 1,
    what: 'the brief',
  },
  {
    pattern:
      /\b(?:in|throughout) (?:this|the following) (?:article|blog post|post|section|guide|essay)\b|\bthis (?:article|blog post|section) (?:will|is|provides|covers|aims|explores|discusses)\b|\benjoy my article\b/i,
    weight: 1,
    what: 'talk about the article',
  },
  {
    pattern:
      /\b(?:we|I)(?:'ll| will) (?:explore|discuss|introduce|look at|cover|delve)\b|\bhook the reader\b/i,
    weight: 1,
    what: 'talk about the article',
  },
  { pattern: /\blorem ipsum\b|\bdolor sit amet\b/i, weight: 2, what: 'filler text' },
  { pattern: /\b(?:TODO|TBD|FIXME|XXX)\b/, weight: 2, what: 'a placeholder' },
  {
    pattern:
      /\[(?:insert|add|your|company|name|city|date|number|address|email|phone|region|month|link|image|poster|blog|my|x)\b[^\]]{0,60}\](?!\()/i,
    weight: 2,
    what: 'a placeholder',
  },
  {
    pattern: /\{\{[^}]{0,80}\}\}|<\|?\/?(?:s|im_start|im_end|assistant|user|system|endoftext)\|?>/i,
    weight: 2,
    what: 'machine output',
  },
  {
    pattern: /\[object Object\]|\bundefined\b(?= *$)|\bnull\b(?= *$)|^\s*[{[]\s*"\w+"\s*:|"\s*:\s*[[{"]/m,
    weight: 2,
    what: 'machine output',
  },
  {
    pattern:
      /\ball rights reserved\b|©|\bwhat do you think\?|\b(?:check out|visit|read) (?:my|our) (?:blog|website|other)\b|\bshare (?:it|this) with your friends\b|\bstay tuned\b/i,
    weight: 1,
    what: 'what belongs around an article',
  },
  { pattern: /�/, weight: 2, what: 'broken characters' },
];

/** Two leaks that can't be explained, or three that might be, leave nothing of the score. */
const WORST = 3;

/** Talk about the task, placeholders and machine output outside of code; the value adds up their weights. */
export const measureLeaks = (text: Text): Finding => {
  const found = text.blocks
    .filter(({ kind }) => kind !== 'code')
    .flatMap(({ raw, section, kind }) => {
      const prose = raw.replace(/`[^`\n]*`/g, '').replace(/^[\s"“*_#>]+/, '');
      return LEAKS.filter(({ pattern }) => pattern.test(prose)).map((leak) => ({ ...leak, section, kind }));
    });
  const value = found.reduce((sum, { weight }) => sum + weight, 0);
  const notes = found.map(({ what, section }) => ({
    text: `Take out ${what}: it does not belong into the article.`,
    section,
  }));
  return finding('leaks', 60, { score: ramp(value, WORST, 0), value, notes });
};
