import { linesOfCode } from './code.ts';

const HEADING = /^[ \t]{0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$/;
const NAME = /^(?:sources|references|bibliography|works cited|citations|footnotes)$/i;
/** A line that names a list without being a heading: `**Sources**`, `References:`. */
const LABEL =
  /^[ \t]{0,3}(?:\*\*|__)?(?:sources|references|bibliography|works cited|citations|footnotes)(?:(?:\*\*|__):?|:(?:\*\*|__)?)[ \t]*$/i;
const ITEM = /^[ \t]*(?:$|[-*+•][ \t]|\(?\d{1,3}[.)][ \t]|\[\^?\d{1,3}\]|<?https?:\/\/)/;
const DEFINITION = /^[ \t]{0,3}\[\^?\d{1,3}\]:/;
const levelOf = (line: string): number => HEADING.exec(line)?.[1]?.length ?? 0;

/** The line after the list that a line opens; the line itself where it opens none. */
const endOfList = (lines: readonly string[], at: number): number => {
  const line = lines[at] ?? '';
  const level = levelOf(line);
  const isHeading = level > 0 && NAME.test(HEADING.exec(line)?.[2]?.replace(/[*_:]/g, '').trim() ?? '');
  if (!isHeading && !LABEL.test(line)) return at;
  const rest = lines.slice(at + 1);
  const length = rest.findIndex((next) =>
    isHeading ? levelOf(next) > 0 && levelOf(next) <= level : !ITEM.test(next),
  );
  return length < 0 ? lines.length : at + 1 + length;
};

/**
 * A text without the lists of sources that its writer made, and without definitions of marks (`[1]: …`): what a model
 * writes there is invented.
 */
export const dropOwnSourceList = (body: string): string => {
  const lines = body.split('\n');
  const code = linesOfCode(lines);
  const kept: string[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const end = code[at] ? at : endOfList(lines, at);
    if (end > at) at = end - 1;
    else if (code[at] || !DEFINITION.test(lines[at] ?? '')) kept.push(lines[at] ?? '');
  }
  return kept.length === lines.length ? body : `${kept.join('\n').trimEnd()}\n`;
};
