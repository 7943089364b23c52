import { describe, expect, test } from '@jest/globals';
import type { ApplicationFailure } from '@temporalio/common';
import type { DoubleAnswer } from '../../test/doubles/model-double.ts';
import type { ModelErrorType } from './errors.ts';
import { outageConformance } from './outage.testsuite.ts';
import { structuredConformance } from './structured.testsuite.ts';
import { benchOf, failureOf, kindOf, TEXT, type Subject } from './subject.testsuite.ts';

/** What every model provider that calls a vendor over HTTP has to do, observed at the vendor's end of the wire. */
export const modelConformance = (name: string, subject: Subject): void => {
  describe(`${name}: a model provider`, () => {
    const bench = benchOf(subject);
    const fails = (answer: DoubleAnswer): Promise<ApplicationFailure> => {
      bench.double.next(answer);
      return failureOf(bench.ask());
    };
    const expectType = (failure: ApplicationFailure, type: ModelErrorType, retryable: boolean): void =>
      expect(kindOf(failure, subject)).toEqual({ type, retryable });

    test('streams pieces that concatenate to the text', async () => {
      bench.double.next({ kind: 'text', text: TEXT });
      const deltas: string[] = [];
      const { text, finishReason } = await bench.ask({ onDelta: (piece) => deltas.push(piece) });
      expect(text).toBe(TEXT);
      expect(deltas.join('')).toBe(TEXT);
      expect(deltas.length).toBeGreaterThan(1);
      expect(finishReason).toBe('stop');
    });

    test('sends both texts, the limit and the credentials in one call', async () => {
      await bench.ask();
      expect(bench.double.calls).toHaveLength(1);
      expect(bench.double.calls[0]).toMatchObject({
        prompt: 'Be brief.\nSay something.',
        authorization: subject.authorization,
      });
      const [call] = bench.double.calls;
      expect(call && subject.limit(call)).toBe(200);
      expect(`${call?.path} ${call?.body.model}`).toContain(bench.model.name);
    });

    test('counts the tokens of prompt and answer, and those from the cache', async () => {
      bench.double.next({ kind: 'text', text: TEXT, cachedTokens: 3 });
      const { usage, latencyMs } = await bench.ask();
      expect(usage).toEqual({
        inputTokens: Math.ceil('Be brief.\nSay something.'.length / 4),
        outputTokens: Math.ceil(TEXT.length / 4),
        cachedInputTokens: subject.countsCache ? 3 : 0,
      });
      expect(latencyMs).toBeGreaterThanOrEqual(0);
    });

    test('says when the answer ended at the limit', async () => {
      bench.double.next({ kind: 'text', text: TEXT, finish: 'length' });
      expect((await bench.ask()).finishReason).toBe('length');
    });

    test('closes the connection at once on abort, and throws the abort’s reason', async () => {
      bench.double.next({ kind: 'hang', text: TEXT });
      const stop = new AbortController();
      const reason = new Error('stopped by a person');
      const call = bench.ask({ signal: stop.signal, onDelta: () => stop.abort(reason) });
      await expect(call).rejects.toBe(reason);
      const aborted = await bench.double.seen(({ status }) => status === 'aborted');
      expect(aborted.latency_ms).toBeLessThan(2000);
    });

    test('closes the connection when aborted before the first byte of the answer', async () => {
      await bench.replace({ minMs: 60_000 });
      const stop = new AbortController();
      const reason = new Error('stopped early');
      const call = bench.ask({ signal: stop.signal });
      void bench.double.seen(({ status }) => status === 'open').then(() => stop.abort(reason));
      await expect(call).rejects.toBe(reason);
      await bench.double.seen(({ status }) => status === 'aborted');
    });

    test('calls nobody when already aborted', async () => {
      const reason = new Error('too late');
      await expect(bench.ask({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(bench.double.calls).toHaveLength(0);
    });

    test('closes the connection and lets the error through when the caller’s onDelta throws', async () => {
      bench.double.next({ kind: 'hang', text: TEXT });
      const bug = new Error('a bug of the caller');
      const call = bench.ask({
        onDelta: () => {
          throw bug;
        },
      });
      await expect(call).rejects.toBe(bug);
      await bench.double.seen(({ status }) => status === 'aborted');
    });

    test.each(['socket', 'clean-end'] as const)('takes a stream cut by %s for unavailable', async (how) => {
      expectType(await fails({ kind: 'cut', text: TEXT, how }), 'model_unavailable', true);
      expect(bench.double.calls).toHaveLength(1);
    });

    test('takes an empty answer for unavailable', async () => {
      expectType(await fails({ kind: 'text', text: '' }), 'model_unavailable', true);
    });

    test('takes an answer whose limit was used up before any text for rejected', async () => {
      expectType(await fails({ kind: 'text', text: '', finish: 'length' }), 'model_rejected', false);
    });

    test('passes on how long a rate limit asks to wait', async () => {
      const headers = { 'retry-after': '7' };
      const failure = await fails({ kind: 'status', status: 429, message: 'slow down', headers });
      expectType(failure, 'model_rate_limited', true);
      expect(failure.nextRetryDelay).toBe(7000);
      expect(bench.double.calls).toHaveLength(1);
    });

    test('never waits longer than five minutes for a rate limit', async () => {
      const headers = { 'retry-after': '86400' };
      const failure = await fails({ kind: 'status', status: 429, message: 'slow down', headers });
      expect(failure.nextRetryDelay).toBe(300_000);
    });

    test.each([401, 403])('names the setting to check after %i, and repeats no key', async (status) => {
      const failure = await fails({ kind: 'status', status, message: `bad key ${subject.key ?? ''}` });
      expectType(failure, 'model_unauthorized', false);
      expect(failure.message).toContain(subject.setting);
    });

    test.each([400, 404, 413])('does not retry %i, and truncates what the vendor said', async (status) => {
      const message = `no ${subject.key ?? ''} ${'x'.repeat(2000)}`;
      expectType(await fails({ kind: 'status', status, message }), 'model_rejected', false);
    });

    test.each([408, 500, 503, 529])(
      'takes %i for unavailable, without retrying by itself',
      async (status) => {
        expectType(await fails({ kind: 'status', status, message: 'later' }), 'model_unavailable', true);
        expect(bench.double.calls).toHaveLength(1);
      },
    );

    test('takes an error event inside the stream for unavailable', async () => {
      const answer = {
        kind: 'error-event',
        text: TEXT,
        type: 'overloaded_error',
        message: 'Overloaded',
      } as const;
      expectType(await fails(answer), 'model_unavailable', true);
    });

    test('takes a closed port for unavailable', async () => {
      await bench.double.close();
      expectType(await failureOf(bench.ask()), 'model_unavailable', true);
    });
  });

  structuredConformance(name, subject);
  outageConformance(name, subject);
};
