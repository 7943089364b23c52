import { CRASH_POINTS } from '../../platform/crash-points.ts';
import { PARTS } from './part.ts';
import type { Findings, Verdict } from './verdict.ts';

const SHOWN = 8;

const table = (rows: readonly (readonly (string | number)[])[]): string => {
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => String(row[column]).length))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0
            ? String(cell).padEnd(widths[column] ?? 0)
            : String(cell).padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
};

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
const least = (numbers: readonly number[]): number | string =>
  numbers.length > 0 ? Math.min(...numbers) : '-';

const sumAt = (numbers: readonly number[], places: readonly number[]): number =>
  places.reduce((sum, place) => sum + (numbers[place] ?? 0), 0);

const median = (numbers: readonly number[]): string => {
  const middle = numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
  return middle === undefined ? '-' : seconds(middle);
};

const killTable = ({ strikes, deaths }: Findings, { open, calls }: Verdict): string =>
  table([
    [
      'part',
      'kill -9',
      'open pipelines (min)',
      'calls in flight (sum)',
      'ready again, s (median)',
      'ended by itself',
    ],
    ...PARTS.map((part) => {
      const hit = strikes.flatMap((strike, index) =>
        strike.part === part && strike.point === null ? [index] : [],
      );
      const own = deaths.filter((death) => death.part === part);
      return [
        part,
        hit.length,
        least(hit.map((index) => open[index] ?? 0)),
        sumAt(calls.inFlight, hit),
        sumAt(calls.lost, hit),
        median(own.flatMap(({ backAfterMs }) => backAfterMs ?? [])),
        own.filter(({ cause }) => cause === 'itself').length,
      ];
    }),
  ]);

const pointTable = ({ strikes }: Findings, { open, calls }: Verdict): string =>
  table([
    ['point', 'hits', 'open pipelines (min)', 'calls in flight (sum)', 'of them repeated', 'in'],
    ...CRASH_POINTS.map((point) => {
      const hit = strikes.flatMap((strike, index) => (strike.point === point ? [index] : []));
      return [
        point,
        hit.length,
        least(hit.map((index) => open[index] ?? 0)),
        sumAt(calls.inFlight, hit),
        sumAt(calls.lost, hit),
        [...new Set(hit.map((index) => strikes[index]?.part))].join('+') || '-',
      ];
    }),
  ]);

const callTable = ({ evidence, lostAcknowledgements }: Findings, { calls }: Verdict): string =>
  table([
    ['model calls', ''],
    ['steps that asked the model', evidence.steps.length],
    ['calls by the double’s log', calls.calls],
    ['repeats', calls.repeats],
    ['calls in flight at kills (bound of the repeats)', calls.inFlightAtKills],
    ['in doubt by runs.in_doubt', evidence.runs.reduce((sum, run) => sum + run.inDoubt, 0)],
    ['in doubt by the ledger', calls.inDoubt.ledger],
    ['answers committed, acknowledgement lost', lostAcknowledgements],
    ['calls after their commit', calls.afterCommit.length],
  ]);

const ruleLines = ({ rules }: Verdict): string =>
  rules
    .flatMap(({ rule, broken }) => [
      `${broken.length === 0 ? 'ok    ' : 'BROKEN'} ${rule}`,
      ...broken.slice(0, SHOWN).map((line) => `         ${line}`),
      ...(broken.length > SHOWN ? [`         … and ${broken.length - SHOWN} more`] : []),
    ])
    .join('\n');

/** The tables and rules of a chaos run, for a person. */
export const renderReport = (findings: Findings, verdict: Verdict): string =>
  [killTable, pointTable, callTable].map((render) => render(findings, verdict)).join('\n\n') +
  `\n\n${ruleLines(verdict)}`;
