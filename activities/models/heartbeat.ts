import { Context } from '@temporalio/activity';

const HEARTBEAT_MS = 500;

/** Keeps the activity's heart beating while `work` runs: that is how a cancellation reaches it within a second. */
export const withHeartbeat = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    return await work(context.cancellationSignal);
  } finally {
    clearInterval(timer);
  }
};
