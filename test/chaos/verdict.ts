import { CRASH_POINTS } from '../../platform/crash-points.ts';
import { compareCalls, type CallFacts } from './calls.ts';
import type { Oddity } from './client.ts';
import type { VendorCall } from './double.ts';
import type { Evidence, RunFacts } from './evidence.ts';
import type { Strike } from './killer.ts';
import { PARTS, type Death } from './part.ts';

/** What was asked of the chaos run. */
export interface Terms {
  readonly pipelines: number;
  readonly kills: number;
  readonly hits: number;
  readonly minOpen: number;
}

export interface Findings {
  readonly terms: Terms;
  readonly strikes: readonly Strike[];
  readonly deaths: readonly Death[];
  readonly calls: readonly VendorCall[];
  readonly oddities: readonly Oddity[];
  readonly evidence: Evidence;
  /** Answers that were committed and whose acknowledgement did not reach Temporal: each could have been asked for again. */
  readonly lostAcknowledgements: number;
  /** Why the run did not come to its end, if it did not. */
  readonly trouble: string | null;
}

export interface Verdict {
  readonly rules: readonly { readonly rule: string; readonly broken: readonly string[] }[];
  readonly calls: CallFacts;
  /** For each strike, how many pipelines were open by the database's own times. */
  readonly open: readonly number[];
  readonly passed: boolean;
}

const isOpenAt =
  (at: number) =>
  ({ createdAt, finishedAt }: RunFacts): boolean =>
    createdAt <= at && (finishedAt === null || finishedAt > at);

const describeRun = (run: RunFacts): string =>
  `${run.topic} (${run.id}, attempt ${run.attempt}) is ${run.status} at ${run.currentStep ?? '-'} ${run.error ? JSON.stringify(run.error) : ''}`;

const strikeRules = ({ terms, strikes }: Findings, open: readonly number[]) => [
  {
    rule: `each part was killed with kill -9 ${terms.kills} times or more`,
    broken: PARTS.flatMap((part) => {
      const n = strikes.filter((strike) => strike.part === part && strike.point === null).length;
      return n < terms.kills ? [`${part}: ${n}`] : [];
    }),
  },
  {
    rule: `each named point was hit ${terms.hits} times or more`,
    broken: CRASH_POINTS.flatMap((point) => {
      const n = strikes.filter((strike) => strike.point === point).length;
      return n < terms.hits ? [`${point}: ${n}`] : [];
    }),
  },
  {
    rule: `at every kill ${terms.minOpen} pipelines or more were open`,
    broken: strikes.flatMap(({ part }, index) => {
      const n = open[index] ?? 0;
      return n < terms.minOpen ? [`${part}, strike ${index + 1}: ${n}`] : [];
    }),
  },
];

const outcomeRules = ({ terms, evidence }: Findings) => [
  {
    rule: `${terms.pipelines} pipelines were started, once each, and all are completed`,
    broken: [
      ...(evidence.tasks === terms.pipelines ? [] : [`${evidence.tasks} tasks`]),
      ...(evidence.runs.length === terms.pipelines ? [] : [`${evidence.runs.length} runs`]),
      ...evidence.runs.filter(({ status }) => status !== 'completed').map(describeRun),
    ],
  },
  {
    rule: 'each has exactly one post',
    broken: evidence.runs.filter(({ posts }) => posts !== 1).map((run) => `${run.topic}: ${run.posts} posts`),
  },
  {
    rule: 'nothing stays queued, in the outbox, or open in Temporal',
    broken: [
      ...evidence.runs.filter(({ status }) => status === 'queued').map(describeRun),
      ...evidence.outbox.map((row) => `outbox: ${row.kind} ${row.workflow_id} ${row.last_error ?? ''}`),
      ...evidence.openWorkflows.map((id) => `workflow ${id} is still open`),
    ],
  },
  { rule: 'totals, events, approvals and revisions add up', broken: evidence.books },
];

const callRules = ({ evidence, lostAcknowledgements }: Findings, calls: CallFacts) => {
  const runsInDoubt = evidence.runs.reduce((sum, run) => sum + run.inDoubt, 0);
  const { steps, ledger } = calls.inDoubt;
  return [
    {
      rule: 'no call began after its answer had been committed, though acknowledgements were lost',
      broken: [
        ...calls.afterCommit,
        ...(lostAcknowledgements === 0 ? ['no committed answer lost its acknowledgement'] : []),
      ],
    },
    {
      rule: 'repeats ≤ calls in flight at kills, and a kill lies between each call and its repeat',
      broken: [
        ...(calls.repeats <= calls.inFlightAtKills ? [] : [`${calls.repeats} > ${calls.inFlightAtKills}`]),
        ...calls.unexplained,
      ],
    },
    { rule: 'every call belongs to a step, and every step had a call', broken: calls.foreign },
    {
      rule: 'every repeat is shown as in doubt, the same in steps, runs and ledger',
      broken: [
        ...calls.hidden,
        ...(steps === runsInDoubt && steps === ledger
          ? []
          : [`steps ${steps}, runs ${runsInDoubt}, ledger ${ledger}`]),
      ],
    },
    {
      rule: 'every call of a step has its row in the ledger',
      broken: evidence.steps
        .filter((step) => step.calls !== step.booked + step.bookedInDoubt)
        .map(
          (s) => `${s.runId} ${s.path}: ${s.calls} calls, booked ${s.booked}, in doubt ${s.bookedInDoubt}`,
        ),
    },
    {
      rule: 'every answer is booked exactly once',
      broken: evidence.steps
        .filter(({ booked, status }) => booked !== 1 || status !== 'completed')
        .map((step) => `${step.runId} ${step.path}: ${step.status}, booked ${step.booked} times`),
    },
  ];
};

/** Holds what was found against the rules. */
export const judge = (findings: Findings): Verdict => {
  const { strikes, evidence, oddities, deaths, trouble } = findings;
  const calls = compareCalls(findings.calls, evidence.steps, strikes);
  const open = strikes.map(({ at }) => evidence.runs.filter(isOpenAt(at)).length);
  const rules = [
    ...strikeRules(findings, open),
    ...outcomeRules(findings),
    ...callRules(findings, calls),
    {
      rule: 'clients got answers, 503 or a broken connection, nothing else',
      broken: oddities.map(({ at, request, what }) => `${new Date(at).toISOString()} ${request}: ${what}`),
    },
    {
      rule: 'no process ended by itself, and the run came to its end',
      broken: [
        ...deaths
          .filter(({ cause }) => cause === 'itself')
          .map(({ part, at }) => `${part} at ${new Date(at).toISOString()}`),
        ...(trouble === null ? [] : [trouble]),
      ],
    },
  ];
  return { rules, calls, open, passed: rules.every(({ broken }) => broken.length === 0) };
};
