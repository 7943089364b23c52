import { until } from '../../harness/until.ts';
import { startPart, type Child } from '../child.ts';
import type { Received } from '../parts/reader.ts';
import type { Pace, Sent } from '../parts/vendor.ts';
import { median, quantile } from '../stats.ts';
import type { Result } from '../table.ts';
import type { World } from '../world.ts';
import type { Measure, MeasureOptions } from './measure.ts';
import { NOTHING_COMPUTED, ORCHESTRATION } from './pipeline.ts';

const TOKENS = 250;
const PER_SECOND = 50;
/** The last pieces of a text and the end of its step come at the same moment. */
const SETTLE_MS = 2_000;

interface Parts {
  readonly vendor: Child;
  readonly reader: Child;
}

interface Sample {
  /** Tokens a second, of all streams together. */
  readonly rate: number;
  readonly sentRate: number;
  /** Milliseconds from a token's being sent to its arrival. */
  readonly delays: readonly number[];
}

/** The time of the first token's being sent counts for both: what is late at the start is late. */
const sampleOf = (sent: Sent, { at }: Received): Sample => {
  const sentAt = Object.values(sent);
  const arrivedAt = Object.keys(sent).map((token) => at[token] ?? Infinity);
  const first = Math.min(...sentAt);
  const rate = (last: number): number => (sentAt.length * 1_000) / (last - first);
  return {
    rate: rate(Math.max(...arrivedAt)),
    sentRate: rate(Math.max(...sentAt)),
    delays: Object.keys(sent).map((token, i) => (arrivedAt[i] ?? Infinity) - (sent[token] ?? 0)),
  };
};

/** @throws Error when the client has not all of a text that was stored, and nobody told it of a gap. */
const checkTexts = async (world: World, runId: string, sent: Sent, received: Received): Promise<void> => {
  const { rows } = await world.ours.query<{ path: string; text: string }>(
    `select path, result->>'text' as text from run_steps where run_id = $1 and path like 'draft.%'`,
    [runId],
  );
  const tokens = (text: string | undefined): string => (text?.match(/c\d+t\d+\.?/g) ?? []).join(' ');
  const stored = rows.map(({ text }) => tokens(text)).join(' ');
  if (Object.keys(sent).some((token) => !stored.split(' ').includes(token)))
    throw new Error('a text was stored without all of its tokens');
  if (received.resets > 0) return;
  for (const { path, text } of rows)
    if (tokens(received.texts[path]) !== tokens(text))
      throw new Error(`${path}: the client lacks a part of the text, and was told of no gap`);
};

const runOurs = async (world: World, { vendor, reader }: Parts, pace: Pace): Promise<Sample> => {
  const [taskId = ''] = await world.api.createTasks(1);
  await vendor.ask({ what: 'pace', ...pace });
  const { execution_id: id } = await world.api.post<{ execution_id: string }>('/api/orchestrator/process', {
    task_id: taskId,
    parameters: ORCHESTRATION,
  });
  await reader.ask({ what: 'follow', stream: `run:${id}` });
  await until(
    async () =>
      (await world.ours.query(`select 1 from runs where id = $1 and status = 'waiting'`, [id])).rowCount,
    'the approval',
    60_000,
  );
  const sent = await vendor.ask<Sent>({ what: 'sent' });
  const look = (): Promise<Received> => reader.ask<Received>({ what: 'received' });
  const isThere = ({ at }: Received): boolean => Object.keys(sent).every((token) => token in at);
  const received = await until(
    async () => {
      const seen = await look();
      return isThere(seen) && seen;
    },
    'all tokens',
    SETTLE_MS,
  ).catch(look);
  await checkTexts(world, id, sent, received);
  return sampleOf(sent, received);
};

const runFloor = async ({ vendor, reader }: Parts, pace: Pace): Promise<Sample> => {
  await vendor.ask({ what: 'pace', ...pace });
  const received = await reader.ask<Received>({ what: 'bare', streams: pace.streams });
  return sampleOf(await vendor.ask<Sent>({ what: 'sent' }), received);
};

const compare = (label: string, ours: readonly Sample[], floor: readonly Sample[]): Result[] => {
  const delays = (samples: readonly Sample[], share: number): number =>
    quantile(
      samples.flatMap((sample) => sample.delays),
      share,
    );
  return [
    {
      what: `tokens to WebSocket, ${label}, against those the model sent`,
      unit: 'tokens/s',
      ours: median(ours.map(({ rate }) => rate)),
      floor: median(ours.map(({ sentRate }) => sentRate)),
      goal: { of: 'ratio', atLeast: 0.95 },
    },
    {
      what: `token to WebSocket, ${label}, median, against a client of the model's own`,
      unit: 'ms',
      ours: delays(ours, 0.5),
      floor: delays(floor, 0.5),
      goal: null,
    },
    {
      what: `token to WebSocket, ${label}, p95, against a client of the model's own`,
      unit: 'ms',
      ours: delays(ours, 0.95),
      floor: delays(floor, 0.95),
      goal: { of: 'above', atMost: 150 },
    },
  ];
};

const measure = async (world: World, parts: Parts, { rounds, note }: MeasureOptions): Promise<Result[]> => {
  const results: Result[] = [];
  for (const streams of [1, 4]) {
    const label = streams === 1 ? 'one text' : `${streams} texts side by side`;
    const pace = { streams, tokens: TOKENS, perSecond: PER_SECOND };
    const samples: Record<'ours' | 'floor', Sample[]> = { ours: [], floor: [] };
    for (let n = 0; n <= rounds; n++) {
      note(`tokens, ${label}: ${n === 0 ? 'warm-up' : `round ${n} of ${rounds}`}`);
      const floor = await runFloor(parts, pace);
      const ours = await runOurs(world, parts, pace);
      if (n === 0) continue;
      samples.floor.push(floor);
      samples.ours.push(ours);
    }
    results.push(...compare(label, samples.ours, samples.floor));
  }
  return results;
};

/**
 * A model's stream, by a vendor's protocol, through the worker and the API to a WebSocket client: how many tokens a second
 * come through, and how much later than at a bare client of the same server. One text, and all sections side by side.
 */
export const measureTokens: Measure = async (world, options) => {
  const vendor = await startPart('vendor', {});
  const vendorUrl = await vendor.ask<string>({ what: 'url' });
  const reader = await startPart('reader', { apiUrl: world.api.url, token: world.api.token, vendorUrl });
  try {
    const settings = { ...NOTHING_COMPUTED, TASKLOOM_MODEL: 'openai:paced-100m', OPENAI_BASE_URL: vendorUrl };
    return await world.worker.with(settings, () => measure(world, { vendor, reader }, options));
  } finally {
    await Promise.all([vendor.stop(), reader.stop()]);
  }
};
