export interface Range {
  readonly start: number;
  readonly end: number;
}

const FENCE = /^[ \t]{0,3}(`{3,}|~{3,})/;

const closes = (line: string, fence: string): boolean => {
  const own = FENCE.exec(line)?.[1];
  return own !== undefined && own.startsWith(fence) && line.trim() === own;
};

/** Which lines stand between fences, the fences with them. */
export const linesOfCode = (lines: readonly string[]): boolean[] => {
  let fence: string | undefined;
  return lines.map((line) => {
    if (fence !== undefined) {
      if (closes(line, fence)) fence = undefined;
      return true;
    }
    fence = FENCE.exec(line)?.[1];
    return fence !== undefined;
  });
};

/** The pieces of a line between backticks, as many in front as behind. */
const spansOf = (line: string, offset: number): Range[] => {
  const runs = [...line.matchAll(/`+/g)].map((match) => ({ at: match.index, length: match[0].length }));
  const last = new Map(runs.map(({ at, length }) => [length, at]));
  const spans: Range[] = [];
  let opening: { at: number; length: number } | undefined;
  for (const run of runs)
    if (opening === undefined) {
      // A run that no other of its length follows opens nothing.
      if ((last.get(run.length) ?? 0) > run.at) opening = run;
    } else if (run.length === opening.length) {
      spans.push({ start: offset + opening.at, end: offset + run.at + run.length });
      opening = undefined;
    }
  return spans;
};

/** Where a text is code: blocks between fences, and pieces between backticks. */
export const rangesOfCode = (body: string): Range[] => {
  const lines = body.split('\n');
  const code = linesOfCode(lines);
  let offset = 0;
  return lines.flatMap((line, at) => {
    const start = offset;
    offset += line.length + 1;
    return code[at] ? [{ start, end: offset }] : spansOf(line, start);
  });
};
