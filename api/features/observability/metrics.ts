import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RequestHandler } from 'express';
import type { GuessKind } from '../../../domain/limits/guess.ts';
import type { CountedClass } from '../../../domain/limits/rate.ts';
import { maybeOperationOf } from '../../http/matched.ts';
import type { SystemTotals } from '../../../store/observability/totals.ts';

/** Milliseconds in which an API answers, or should. */
const BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface Metrics {
  /** Counts each request by method and path template, and how long it took. */
  readonly observe: RequestHandler;
  /** Counts a request beyond a rate limit. */
  readonly refused: (limitClass: CountedClass) => void;
  /** Counts a guess at a secret that was wrong, or that came too soon. */
  readonly guessed: (kind: GuessKind, outcome: 'failed' | 'refused') => void;
  /** @returns Prometheus text. */
  readonly render: () => Promise<string>;
}

interface TotalGauge {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly rows: (
    totals: SystemTotals,
  ) => { readonly labels: Record<string, string>; readonly value: number }[];
}

const one = (value: number) => [{ labels: {}, value }];

const TOTALS: readonly TotalGauge[] = [
  {
    name: 'sessions_total',
    help: 'Total number of sessions',
    labels: ['status'],
    rows: ({ sessions }) =>
      ['active', 'completed'].map((status) => ({
        labels: { status },
        value: sessions.find((row) => row.status === status)?.n ?? 0,
      })),
  },
  {
    name: 'taskloom_runs',
    help: 'Runs by kind and status',
    labels: ['kind', 'status'],
    rows: ({ runs }) => runs.map(({ kind, status, n }) => ({ labels: { kind, status }, value: n })),
  },
  {
    name: 'taskloom_model_tokens_total',
    help: 'Tokens by model and direction',
    labels: ['model', 'direction'],
    rows: ({ tokens }) =>
      tokens.flatMap(({ model, tokens_in, tokens_out }) => [
        { labels: { model, direction: 'in' }, value: tokens_in },
        { labels: { model, direction: 'out' }, value: tokens_out },
      ]),
  },
  {
    name: 'taskloom_model_cost_usd_total',
    help: 'Cost by model, in dollars, as far as prices are configured',
    labels: ['model'],
    rows: ({ tokens }) =>
      tokens.map(({ model, cost_micros }) => ({ labels: { model }, value: cost_micros / 1_000_000 })),
  },
  {
    name: 'taskloom_model_calls_in_doubt_total',
    help: 'Model calls whose answer was lost',
    labels: ['model'],
    rows: ({ tokens }) => tokens.map(({ model, in_doubt }) => ({ labels: { model }, value: in_doubt })),
  },
  {
    name: 'taskloom_outbox_waiting',
    help: 'Messages that Temporal has not taken yet',
    labels: [],
    rows: ({ outbox }) => one(outbox.waiting),
  },
  {
    name: 'taskloom_outbox_oldest_seconds',
    help: 'Age of the oldest of them',
    labels: [],
    rows: ({ outbox }) => one(outbox.oldest_seconds),
  },
  {
    name: 'taskloom_events_unstamped',
    help: 'Events without a position in the feed yet',
    labels: [],
    rows: ({ events }) => one(events.unstamped),
  },
  {
    name: 'taskloom_events_last_pos',
    help: 'The newest position in the feed',
    labels: [],
    rows: ({ events }) => one(events.last_pos),
  },
];

const countRefusals = (registers: Registry[]): Pick<Metrics, 'refused' | 'guessed'> => {
  const refused = new Counter({
    name: 'taskloom_requests_refused_total',
    help: 'Requests beyond a rate limit by class of operation',
    labelNames: ['class'],
    registers,
  });
  const guesses = new Counter({
    name: 'taskloom_guesses_total',
    help: 'Guesses at secrets that were wrong, or refused before anybody looked',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  return {
    refused: (limitClass) => refused.inc({ class: limitClass }),
    guessed: (kind, outcome) => guesses.inc({ kind, outcome }),
  };
};

/** @param totals figures from the database, a few seconds old at most. @param live how many subscriptions are followed here. */
export const createMetrics = (totals: () => Promise<SystemTotals>, live: () => number): Metrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Counter({
    name: 'api_requests_total',
    help: 'Total API requests',
    labelNames: ['method', 'path'],
    registers,
  });
  const answers = new Counter({
    name: 'taskloom_http_responses_total',
    help: 'Answers by status',
    labelNames: ['status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'taskloom_http_request_seconds',
    help: 'Time to answer',
    labelNames: ['method'],
    buckets: BUCKETS,
    registers,
  });
  const followed = new Gauge({
    name: 'taskloom_live_subscriptions',
    help: 'Streams and feeds that are followed',
    registers,
  });
  const gauges = TOTALS.map((total) => ({
    total,
    gauge: new Gauge({ name: total.name, help: total.help, labelNames: total.labels, registers }),
  }));
  return {
    observe: (req, res, next) => {
      const end = seconds.startTimer({ method: req.method });
      res.once('finish', () => {
        // Unknown paths would make as many series as an attacker likes.
        requests.inc({ method: req.method, path: maybeOperationOf(req)?.openApiRoute ?? 'other' });
        answers.inc({ status: res.statusCode });
        end();
      });
      next();
    },
    ...countRefusals(registers),
    render: async () => {
      const figures = await totals();
      followed.set(live());
      for (const { total, gauge } of gauges) {
        gauge.reset();
        for (const { labels, value } of total.rows(figures)) gauge.set(labels, value);
      }
      return registry.metrics();
    },
  };
};
