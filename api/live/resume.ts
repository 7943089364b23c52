import type { Context } from '../http/context.ts';

/** Where to go on: what the browser says by itself after a lost connection wins over the address. */
export const resumePoint = (ctx: Context, after: number | undefined): number => {
  const last = ctx.header('last-event-id');
  return last === undefined ? (after ?? 0) : Number(last);
};

export const wantsEventStream = (ctx: Context): boolean => /\btext\/event-stream\b/.test(ctx.accept);
