import { describe, expect, test } from '@jest/globals';
import { until } from '../../test/harness/until.ts';
import { benchOf, failureOf, kindOf, TEXT, type Subject } from './subject.testsuite.ts';

const CLOSED_WITHIN_MS = 2_000;
const IDLE_MS = 150;
/** Longer than a busy machine keeps a timer waiting. */
const SLOW_MS = 500;
const FAILURES = 5;

/** What happens when the vendor hangs, is left, talks nonsense or is down. */
export const outageConformance = (name: string, subject: Subject): void => {
  describe(`${name}: silence and outages`, () => {
    const bench = benchOf(subject);

    /** Milliseconds from now until the vendor sees its connection closed. */
    const untilClosed = async (): Promise<number> => {
      const startedMs = performance.now();
      await bench.double.seen(({ status }) => status === 'aborted');
      return performance.now() - startedMs;
    };

    test.each([
      ['before the first byte', { kind: 'silence' }],
      ['in the middle', { kind: 'hang', text: TEXT }],
    ] as const)(
      'gives up a vendor that falls silent %s, and closes the connection',
      async (_when, answer) => {
        bench.double.next(answer);
        const startedMs = performance.now();
        const failure = await failureOf(bench.ask({ idleMs: IDLE_MS }));
        expect(kindOf(failure, subject)).toEqual({ type: 'model_stalled', retryable: true });
        expect(failure.message).toContain('0.15 s');
        expect(performance.now() - startedMs).toBeGreaterThanOrEqual(IDLE_MS - 1);
        expect(await untilClosed()).toBeLessThan(CLOSED_WITHIN_MS);
      },
    );

    test('waits for a slow vendor that goes on talking, however long it takes in all', async () => {
      await bench.replace({ minMs: 3 * SLOW_MS });
      bench.double.next({ kind: 'text', text: TEXT.repeat(4) });
      const { text, latencyMs } = await bench.ask({ idleMs: SLOW_MS });
      expect(text).toBe(TEXT.repeat(4));
      expect(latencyMs).toBeGreaterThan(2 * SLOW_MS);
    });

    test('closes the connection within two seconds of an abort', async () => {
      bench.double.next({ kind: 'hang', text: TEXT });
      const stop = new AbortController();
      const reason = new Error('stopped by a person');
      let closing: Promise<number> | undefined;
      const onDelta = (): void => {
        closing ??= untilClosed();
        stop.abort(reason);
      };
      await expect(bench.ask({ signal: stop.signal, onDelta })).rejects.toBe(reason);
      expect(await closing).toBeLessThan(CLOSED_WITHIN_MS);
    });

    test.each([
      ['words', Buffer.from('<html>504 from a proxy</html>')],
      ['broken JSON', Buffer.from('data: {"choices": [{"del\n\n')],
      ['bytes', Buffer.from([0xff, 0xfe, 0x00, 0x9f, 0x92, 0x0a, 0x0a, 0xc3])],
      ['nothing at all', Buffer.from('')],
    ])('takes %s instead of a stream for unavailable', async (_what, bytes) => {
      bench.double.next({ kind: 'garbage', bytes });
      const failure = await failureOf(bench.ask());
      expect(kindOf(failure, subject)).toEqual({ type: 'model_unavailable', retryable: true });
    });

    const fail = async (status: number): Promise<string | null | undefined> => {
      bench.double.next({ kind: 'status', status, message: 'no' });
      return (await failureOf(bench.ask())).type;
    };

    test('leaves a vendor alone after five outages in a row, and says until when', async () => {
      for (let count = 0; count < FAILURES; count += 1) await fail(500);
      expect(bench.model.circuit.status().state).toBe('open');
      const refused = await failureOf(bench.ask());
      expect(kindOf(refused, subject)).toEqual({ type: 'model_unavailable', retryable: true });
      expect(refused.nextRetryDelay).toBeGreaterThan(0);
      expect(bench.double.calls).toHaveLength(FAILURES);

      await until(async () => bench.model.circuit.status().state === 'half_open', 'the end of the pause');
      expect((await bench.ask()).text).not.toBe('');
      expect(bench.model.circuit.status()).toEqual({ state: 'closed', retryAt: null });
    });

    test('goes on asking a vendor that only refuses or limits', async () => {
      for (const status of [429, 400, 429, 404, 429, 400]) await fail(status);
      expect(bench.model.circuit.status().state).toBe('closed');
      expect((await bench.ask()).text).not.toBe('');
    });
  });
};
