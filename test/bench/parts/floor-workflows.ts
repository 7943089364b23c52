import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { FloorActivities } from './floor-worker.ts';

const activities = proxyActivities<FloorActivities>({ startToCloseTimeout: '10s' });
const approved = defineSignal('approved');

/** One activity that does nothing. */
export const oneStep = (id: string): Promise<void> => activities.nothing(id);

/** As many activities as there are rows to insert, one after the other, with a wait for a signal after `before` of them. */
export const insertingSteps = async (id: string, before: number, after: number): Promise<void> => {
  let told = false;
  setHandler(approved, () => void (told = true));
  for (let step = 0; step < before + after; step++) {
    if (step === before) await condition(() => told);
    await activities.insert(id, step);
  }
};
