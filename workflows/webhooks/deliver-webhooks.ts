import {
  condition,
  continueAsNew,
  defineSignal,
  setHandler,
  sleep,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { DeliveryActivities, WebhookActivities } from '../../activities/webhooks/index.ts';
import { useProfile, useWrites } from '../profiles.ts';
import type { WebhookInput } from './messages.ts';

const poke = defineSignal('poke');

/** Of one endpoint: a slow one holds up no other stream until so many are slow. */
const AT_ONCE = 8;
/** Whoever makes messages pokes; a poke that was lost costs this much. */
const SAFETY_LOOK_MS = 10 * 60_000;
/** The database's clock may be a little behind this one. */
const MIN_WAIT_MS = 50;
const AFTER_FAILURE_MS = 2_000;
/** Events of a history; with what is under way it stays well below 2,000. */
const LONG = 1_000;

/**
 * Carries the messages of one active endpoint: looks what is due, sends it, and waits for a poke, an end or the next try.
 * Whose turn it is, what is sent and how often stands in the rows; here is only when.
 */
export const deliverWebhooks = async (input: WebhookInput): Promise<void> => {
  const looks = useWrites<WebhookActivities>();
  const deliveries = useProfile<DeliveryActivities>('delivery');
  const busy = new Set<string>();
  let changes = 0;
  setHandler(poke, () => void changes++);
  const deliver = async (id: string): Promise<void> => {
    try {
      await deliveries.deliverWebhook.executeWithOptions({ summary: 'Deliver' }, [
        { ...input, message_id: id },
      ]);
    } catch (error) {
      if (!(error instanceof TemporalFailure)) throw error;
      // Its worker is gone, or could not write how it went: the rows still hold the message.
      await sleep(AFTER_FAILURE_MS);
    } finally {
      busy.delete(id);
      changes++;
    }
  };
  for (;;) {
    const seen = changes;
    const plan = await looks.planWebhooks('Look', { ...input, busy: [...busy], at_once: AT_ONCE });
    if (plan.state === 'over') break;
    for (const id of plan.due) {
      busy.add(id);
      void deliver(id);
    }
    if (workflowInfo().historyLength > LONG) {
      await condition(() => busy.size === 0);
      return continueAsNew<typeof deliverWebhooks>(input);
    }
    await condition(() => changes > seen, Math.max(plan.wait_ms ?? SAFETY_LOOK_MS, MIN_WAIT_MS));
  }
  await condition(() => busy.size === 0);
};
