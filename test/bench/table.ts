/** One line of the result: what was measured, beside its floor. */
export interface Result {
  readonly what: string;
  readonly unit: 'ms' | 'requests/s' | 'tokens/s' | 's' | 'MB' | 'z';
  readonly ours: number;
  /** What the same costs bare, on the same machine in the same minutes; `null` where there is no such thing. */
  readonly floor: number | null;
  readonly goal: Goal | null;
}

/** `ratio`: ours against the floor; `above`: how far ours may lie above it; `value`: ours alone. */
export interface Goal {
  readonly of: 'ratio' | 'above' | 'value';
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Judged extends Result {
  readonly ratio: number | null;
  readonly met: boolean | null;
}

export const judge = (result: Result): Judged => {
  const { ours, floor, goal } = result;
  const ratio = floor === null ? null : ours / floor;
  const measured = goal?.of === 'ratio' ? ratio : goal?.of === 'above' ? ours - (floor ?? 0) : ours;
  const met =
    goal === null || measured === null
      ? null
      : measured <= (goal.atMost ?? Infinity) && measured >= (goal.atLeast ?? -Infinity);
  return { ...result, ratio, met };
};

const number = (value: number, unit: Result['unit']): string =>
  `${unit === 'requests/s' || unit === 'MB' ? Math.round(value) : value.toFixed(value < 10 ? 2 : 1)} ${unit}`;

const goalText = ({ goal, unit }: Result): string => {
  if (goal === null) return '';
  const limit = `${goal.atLeast === undefined ? '≤' : '≥'} ${goal.atMost ?? goal.atLeast}`;
  if (goal.of === 'ratio') return `${limit} ×`;
  return goal.of === 'above' ? `${limit} ${unit} above` : `${limit} ${unit}`;
};

/** The results as lines of text, with a bar between the columns. */
export const renderTable = (results: readonly Judged[]): string => {
  const rows = [
    ['what', 'ours', 'floor', 'ratio', 'goal', 'met?'],
    ...results.map((result) => [
      result.what,
      number(result.ours, result.unit),
      result.floor === null ? '' : number(result.floor, result.unit),
      result.ratio === null ? '' : result.ratio.toFixed(2),
      goalText(result),
      result.met === null ? '' : result.met ? 'yes' : 'NO',
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const lines = rows.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`);
  lines.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  return lines.join('\n');
};
