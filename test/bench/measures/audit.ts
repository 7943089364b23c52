import { requireRoleUrls } from '../../../store/setup/urls.ts';
import { until } from '../../harness/until.ts';
import { startPart } from '../child.ts';
import type { WritersRequest } from '../parts/writers.ts';
import { median, quantile } from '../stats.ts';
import type { Measure } from './measure.ts';

const WRITERS = 32;
const TRANSACTIONS = 1_000;
/** A round takes half a second: the tail needs many. */
const ROUNDS_FOR_ONE = 8;

/**
 * Transactions with an audit entry against the same ones without, while the worker's sealer chains the entries. Each round
 * turns the order of the two, so that neither gains by being the second one.
 */
export const measureAudit: Measure = async (world, { rounds, note }) => {
  const writers = await startPart('writers', {
    appUrl: requireRoleUrls(world.config).app,
    workspaceId: world.workspaceId,
    connections: WRITERS,
  });
  const samples: Record<'with' | 'without', number[]> = { with: [], without: [] };
  const all = rounds * ROUNDS_FOR_ONE;
  try {
    for (let n = 0; n <= all; n++) {
      if (n % ROUNDS_FOR_ONE === 0) note(`audit: ${n === 0 ? 'warm-up' : `round ${n} of ${all}`}`);
      for (const side of n % 2 === 0 ? (['with', 'without'] as const) : (['without', 'with'] as const)) {
        const request: WritersRequest = { audited: side === 'with', transactions: TRANSACTIONS };
        const taken = await writers.ask<number[]>(request);
        if (n > 0) samples[side].push(...taken);
      }
    }
    const isSealed = async (): Promise<boolean> =>
      (await world.ours.query('select 1 from audit where seal is null limit 1')).rowCount === 0;
    await until(isSealed, 'the seals');
  } finally {
    await writers.stop();
  }
  const result = (name: string, of: (times: readonly number[]) => number) => ({
    what: `create a task with its audit entry against without, ${WRITERS} at once, ${name}`,
    unit: 'ms' as const,
    ours: of(samples.with),
    floor: of(samples.without),
    goal: { of: 'ratio' as const, atMost: 1.1 },
  });
  return [result('median', median), result('p99', (times) => quantile(times, 0.99))];
};
