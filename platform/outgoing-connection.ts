import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { OutgoingRefused } from './outgoing-refused.ts';
import { hostOf } from './outgoing-rules.ts';

/** A host and the addresses that it was checked to have. */
export interface Target {
  readonly host: string;
  readonly addresses: readonly string[];
}

export interface Connection {
  readonly agent: Agent;
  /** Aborts with the caller's signal, and when the connection is not there in time. */
  readonly signal: AbortSignal;
  /** Waits for the answer; what the connection failed with goes first. */
  during<T>(answer: Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Answers with the checked addresses, whatever the name resolves to by now. */
const pinned =
  ({ addresses }: Target): LookupFunction =>
  (_host, options, done) => {
    const found = addresses.map((address) => ({ address, family: isIP(address) }));
    const [first] = found;
    if (options.all) done(null, found);
    else done(null, first?.address ?? '', first?.family ?? 0);
  };

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

/**
 * Makes a connection for one request to one URL: resolves, checks, and then uses those addresses only.
 * @param check finds the addresses of a URL and refuses it where one of them may not be called
 * @param timeoutMs limit of resolving and connecting together
 * @throws OutgoingRefused unreachable when the limit runs out; what `check` throws; the signal's reason.
 */
export const connectTo = async (
  check: (url: URL) => Promise<Target>,
  url: URL,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Connection> => {
  const late = new AbortController();
  const timer = setTimeout(
    () =>
      late.abort(new OutgoingRefused('unreachable', `${hostOf(url)} can not be reached (no answer)`, false)),
    timeoutMs,
  );
  const either = AbortSignal.any([signal, late.signal]);
  const stopped = aborted(either);
  stopped.catch(() => {});
  try {
    either.throwIfAborted();
    // Names are resolved by threads that can't be stopped: whoever waits for one can.
    const target = await Promise.race([check(url), stopped]);
    const connect = buildConnector({ timeout: timeoutMs, allowH2: false, lookup: pinned(target) });
    const agent = new Agent({
      connect: (options, done) =>
        connect(options, (...result) => {
          clearTimeout(timer);
          done(...result);
        }),
      // The caller's deadline covers both.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return {
      agent,
      signal: either,
      during: (answer) => Promise.race([answer, stopped]),
      close: () => {
        clearTimeout(timer);
        return agent.destroy();
      },
    };
  } catch (error) {
    clearTimeout(timer);
    throw error;
  }
};
