import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { workerPrincipal } from '../domain/identity/principal.ts';
import { workflowIdOf } from '../domain/runs/run.ts';
import type { Log } from '../platform/logger.ts';
import { cancelApprovals } from '../store/approvals/approvals.ts';
import { closeLeftovers, runsWithLeftovers } from '../store/runs/leftovers.ts';
import { enqueueStart } from '../store/runs/start.ts';
import { lockRun, transit } from '../store/runs/transition.ts';
import { sql, type Store } from '../store/store.ts';
import type { SystemStore } from '../store/system.ts';

const EVERY_MS = 15_000;
const QUIET_SECONDS = 20;
const BATCH = 100;

interface LiveRun {
  readonly id: string;
  readonly workspace_id: string;
  readonly kind: string;
  readonly attempt: number;
}

export interface ReconcilerDeps {
  readonly system: SystemStore;
  readonly store: Store;
  readonly client: Client;
  readonly log: Log;
}

type Found = 'open' | 'closed' | 'missing';

const look = async (client: Client, run: LiveRun): Promise<Found> => {
  try {
    const { status } = await client.workflow.getHandle(workflowIdOf(run)).describe();
    return status.name === 'RUNNING' ? 'open' : 'closed';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'missing';
    throw error;
  }
};

/** Live runs that nothing has touched for a while and whose messages have all been delivered. */
const quietRuns = (system: SystemStore): Promise<LiveRun[]> =>
  system.many<LiveRun>(
    sql`select r.id, r.workspace_id, r.kind, r.attempt from runs r
         where r.status in ('queued','running','waiting','paused') and greatest(r.updated_at, r.looked_at) < now() - make_interval(secs => ${QUIET_SECONDS})
           and not exists (select 1 from outbox o where o.workflow_id = r.kind || '/' || r.id || '/' || r.attempt)
         order by r.looked_at limit ${BATCH}`,
  );

/** A workflow that ended without saying so ends its run; one that is gone is carried on by the next attempt. */
const mend = (deps: ReconcilerDeps, seen: LiveRun, found: Exclude<Found, 'open'>): Promise<void> =>
  deps.store.write(workerPrincipal(seen.workspace_id), async (tx) => {
    const run = await lockRun(tx, seen.id);
    if (run.attempt !== seen.attempt) return;
    if (found === 'closed') {
      const error = {
        code: 'workflow_ended',
        message: 'The workflow ended without an outcome: it was terminated or timed out.',
      };
      const failed = await transit(tx, run, { transition: 'fail', attempt: run.attempt, error });
      if (!failed) return;
      await cancelApprovals(tx, run.id);
      deps.log.warn({ run: run.id }, 'closed a run whose workflow had ended');
      return;
    }
    const restarted = await transit(tx, run, { transition: 'restart', attempt: run.attempt });
    if (!restarted) return;
    await cancelApprovals(tx, run.id);
    enqueueStart(tx, restarted);
    deps.log.warn({ run: run.id }, 'restarted a run whose workflow was gone');
  });

/** A run that ended while its worker was gone leaves a call of which nobody tells the end. */
const clearUp = async (deps: ReconcilerDeps): Promise<void> => {
  for (const { id, workspace_id } of await runsWithLeftovers(deps.system, QUIET_SECONDS, BATCH)) {
    await deps.store.write(workerPrincipal(workspace_id), async (tx) =>
      closeLeftovers(tx, await lockRun(tx, id)),
    );
    deps.log.warn({ run: id }, 'closed what a dead worker had left of a run');
  }
};

/** One pass over the quiet runs, and over those that ended with something left. @returns how many were mended. */
export const reconcile = async (deps: ReconcilerDeps): Promise<number> => {
  await clearUp(deps);
  let mended = 0;
  for (const run of await quietRuns(deps.system)) {
    const found = await look(deps.client, run);
    await deps.system.run(sql`update runs set looked_at = now() where id = ${run.id}`);
    if (found === 'open') continue;
    await mend(deps, run, found);
    mended++;
  }
  return mended;
};

export const startReconciler = (deps: ReconcilerDeps): { stop(): Promise<void> } => {
  let stopped = false;
  let working: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    working = working.then(async () => {
      if (!stopped)
        await reconcile(deps).catch((error) =>
          deps.log.warn({ err: error }, 'the reconciler could not look'),
        );
    });
  }, EVERY_MS);
  return {
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await working;
    },
  };
};
