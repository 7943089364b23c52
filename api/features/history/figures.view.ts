import { perMinute, type Period } from '../../../domain/runs/history.ts';
import { fraction, successRate } from '../../../domain/tasks/task.ts';
import type { ExecutionFigures, Flow, StepFigures } from '../../../store/runs/history.figures.ts';
import type { components } from '../../generated/openapi.d.ts';
import { time } from '../../http/wire.ts';

type Schemas = components['schemas'];

const periodView = ({ since, until }: Period): Schemas['Period'] => ({
  since: time(since),
  until: time(until),
});
const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));

/** The row of a grouping that is of everything together is there even when nothing was grouped. */
const requireTotal = <Row>(row: Row | undefined): Row => {
  if (row === undefined) throw new Error('The figures have no total');
  return row;
};

const countsView = (figures: ExecutionFigures) => {
  const { executions, completed, failed, cancelled } = figures;
  const counts = { total: executions, completed, failed: failed + cancelled };
  return {
    completed,
    failed,
    cancelled,
    success_rate: executions === 0 ? null : successRate(counts),
    avg_duration_ms: rounded(figures.avg_ms),
  };
};

export const statisticsView = (
  period: Period,
  figures: readonly ExecutionFigures[],
  percentiles: { median_ms: number | null; p95_ms: number | null },
): Schemas['WorkflowStatistics'] => {
  const together = requireTotal(figures.find((row) => row.workflow_name === null));
  return {
    period: periodView(period),
    total_executions: together.executions,
    ...countsView(together),
    median_duration_ms: rounded(percentiles.median_ms),
    p95_duration_ms: rounded(percentiles.p95_ms),
    workflows: figures.flatMap((row) =>
      row.workflow_name === null
        ? []
        : [{ name: row.workflow_name, executions: row.executions, ...countsView(row) }],
    ),
  };
};

export const performanceView = (
  period: Period,
  figures: readonly StepFigures[],
  flow: Flow,
): Schemas['PerformanceMetrics'] => {
  const together = requireTotal(figures.find((row) => row.step_name === null));
  const busy = together.busy_ms ?? 0;
  const steps = figures.flatMap(({ step_name: name, ...row }) => (name === null ? [] : [{ name, ...row }]));
  const [first] = steps;
  return {
    period: periodView(period),
    executions: flow.ended,
    throughput: perMinute(flow.ended, period),
    throughput_unit: 'runs_per_minute',
    avg_latency_ms: rounded(together.avg_ms),
    p95_latency_ms: rounded(flow.p95_ms),
    peak_latency_ms: rounded(together.peak_ms),
    busy_ms: Math.round(busy),
    waiting_ms: Math.round(flow.waiting_ms),
    bottleneck: first?.name ?? null,
    bottleneck_share: first ? fraction(first.busy_ms ?? 0, busy) : null,
    steps: steps.map((row) => ({
      step_name: row.name,
      executions: row.steps,
      busy_ms: Math.round(row.busy_ms ?? 0),
      avg_latency_ms: rounded(row.avg_ms),
      peak_latency_ms: rounded(row.peak_ms),
    })),
  };
};
