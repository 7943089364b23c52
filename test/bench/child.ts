import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  settlesWithin,
  stopChild,
  whenExited,
  type RunningService,
} from '../../scripts/services/processes.ts';
import type { PartName } from './parts.ts';

const PROGRAM = fileURLToPath(new URL('../../scripts/bench.ts', import.meta.url));

/** A part of the bench in a process of its own, which answers requests. */
export interface Child extends RunningService {
  ask<Answer>(request: object): Promise<Answer>;
}

interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/**
 * Starts a part in another process of this Node and waits until it is ready.
 * @param settings what its `open` gets.
 */
export const startPart = async (name: PartName, settings: object): Promise<Child> => {
  const child = fork(PROGRAM, ['part', name, JSON.stringify(settings)], { stdio: ['ignore', 2, 2, 'ipc'] });
  const exited = whenExited(child);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  child.on('message', (message: Reply) => {
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) call?.resolve(message.answer);
    else call?.reject(new Error(`${name}: ${message.error}`));
  });
  void exited.then(() => {
    for (const call of waiting.values()) call.reject(new Error(`${name} has ended`));
  });
  const ask = <Answer>(request: object): Promise<Answer> => {
    const call = Promise.withResolvers<unknown>();
    waiting.set(++last, call);
    child.send({ id: last, request });
    return call.promise as Promise<Answer>;
  };
  const stop = (): Promise<void> =>
    stopChild(child, exited, [
      { signal: 'SIGTERM', graceMs: 4_000 },
      { signal: 'SIGKILL', graceMs: 5_000 },
    ]);
  const ready = ask({});
  if (!(await settlesWithin(ready, 60_000))) {
    await stop();
    throw new Error(`${name} was not ready within 60 s`);
  }
  await ready;
  return { pid: child.pid ?? -1, exited, stop, ask };
};

/** What a part's process offers. */
export interface PartHandle {
  answer(request: Record<string, unknown>): unknown;
  close(): Promise<unknown>;
}

/** Runs a part in this process: answers what the parent asks until it is ended. */
export const runPart = async (open: () => Promise<PartHandle>): Promise<void> => {
  const opened = open();
  process.on('message', ({ id, request }: { id: number; request: Record<string, unknown> }) => {
    const work = opened.then((part) => (Object.keys(request).length === 0 ? null : part.answer(request)));
    work.then(
      (answer) => process.send?.({ id, answer }),
      (error: Error) => process.send?.({ id, error: error.stack ?? error.message }),
    );
  });
  const end = (): void => {
    setTimeout(() => process.exit(1), 3_000).unref();
    void opened
      .then((part) => part.close())
      .catch(() => {})
      .finally(() => process.exit(0));
  };
  process.once('SIGTERM', end);
  process.once('disconnect', end);
  // Ctrl-C is for the parent, which ends its parts.
  process.on('SIGINT', () => {});
  await opened;
};
