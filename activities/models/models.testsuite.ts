import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { startModelDouble, type DoubleAnswer, type ModelDouble } from '../../test/doubles/model-double.ts';
import type { ModelErrorType } from './errors.ts';
import { generateText, type Generated, type Model } from './model.ts';

const TEXT = 'One two three four five six seven eight. Nine ten eleven twelve, and that is all.';
const never = (): AbortSignal => new AbortController().signal;

/** What a call failed with; an answer fails the test. */
export const failureOf = async (call: Promise<unknown>): Promise<ApplicationFailure> => {
  const error: unknown = await call.then(
    () => new Error('the call was expected to fail, but it answered'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ApplicationFailure) return error;
  throw error;
};

interface Subject {
  /** A model of the provider under test that calls the double at `url`. */
  model(url: string): Promise<Model>;
  /** The credentials that must be sent, and must never be repeated in a message. */
  key: string;
  authorization: string;
  /** The variable that an operator has to check after a 401. */
  setting: string;
}

/** What every model provider that calls a vendor over HTTP has to do, observed at the vendor's end of the wire. */
export const modelConformance = (name: string, subject: Subject): void => {
  let double: ModelDouble;
  let model: Model;

  const ask = (deltas: string[] = [], signal = never()): Promise<Generated> =>
    generateText(model, {
      system: 'Be brief.',
      prompt: 'Say something.',
      maxOutputTokens: 200,
      signal,
      onDelta: (text) => deltas.push(text),
    });

  const fails = async (answer: DoubleAnswer): Promise<ApplicationFailure> => {
    double.next(answer);
    return failureOf(ask());
  };

  const expectType = (failure: ApplicationFailure, type: ModelErrorType, retryable: boolean): void => {
    expect({ type: failure.type, retryable: failure.nonRetryable !== true }).toEqual({ type, retryable });
    expect(failure.message.length).toBeLessThanOrEqual(500);
    expect(failure.message).not.toContain(subject.key);
    expect(failure.cause).toBeUndefined();
  };

  beforeEach(async () => {
    double = await startModelDouble();
    model = await subject.model(double.url);
  });
  afterEach(() => double.close());

  describe(`${name}: a model provider`, () => {
    test('streams pieces that concatenate to the text', async () => {
      double.next({ kind: 'text', text: TEXT });
      const deltas: string[] = [];
      const { text, finishReason } = await ask(deltas);
      expect(text).toBe(TEXT);
      expect(deltas.join('')).toBe(TEXT);
      expect(deltas.length).toBeGreaterThan(1);
      expect(finishReason).toBe('stop');
    });

    test('sends both texts, the limit and the credentials in one call', async () => {
      await ask();
      expect(double.calls).toHaveLength(1);
      expect(double.calls[0]).toMatchObject({
        prompt: 'Be brief.\nSay something.',
        authorization: subject.authorization,
        body: { model: model.name, stream: true, max_tokens: 200 },
      });
    });

    test('counts the tokens of prompt and answer, and those from the cache', async () => {
      double.next({ kind: 'text', text: TEXT, cachedTokens: 3 });
      const { usage, latencyMs } = await ask();
      expect(usage).toEqual({
        inputTokens: Math.ceil('Be brief.\nSay something.'.length / 4),
        outputTokens: Math.ceil(TEXT.length / 4),
        cachedInputTokens: 3,
      });
      expect(latencyMs).toBeGreaterThanOrEqual(0);
    });

    test('says when the answer ended at the limit', async () => {
      double.next({ kind: 'text', text: TEXT, finish: 'length' });
      expect((await ask()).finishReason).toBe('length');
    });

    test('closes the connection at once on abort, and throws the abort’s reason', async () => {
      double.next({ kind: 'hang', text: TEXT });
      const stop = new AbortController();
      const reason = new Error('stopped by a person');
      const call = generateText(model, {
        system: 'Be brief.',
        prompt: 'Say something.',
        maxOutputTokens: 200,
        signal: stop.signal,
        onDelta: () => stop.abort(reason),
      });
      await expect(call).rejects.toBe(reason);
      const aborted = await double.seen(({ status }) => status === 'aborted');
      expect(aborted.latency_ms).toBeLessThan(2000);
    });

    test('closes the connection when aborted before the first byte of the answer', async () => {
      await double.close();
      double = await startModelDouble({ minMs: 60_000 });
      model = await subject.model(double.url);
      const stop = new AbortController();
      const reason = new Error('stopped early');
      const call = ask([], stop.signal);
      void double.seen(({ status }) => status === 'open').then(() => stop.abort(reason));
      await expect(call).rejects.toBe(reason);
      await double.seen(({ status }) => status === 'aborted');
    });

    test('calls nobody when already aborted', async () => {
      const reason = new Error('too late');
      await expect(ask([], AbortSignal.abort(reason))).rejects.toBe(reason);
      expect(double.calls).toHaveLength(0);
    });

    test('closes the connection and lets the error through when the caller’s onDelta throws', async () => {
      double.next({ kind: 'hang', text: TEXT });
      const bug = new Error('a bug of the caller');
      const call = generateText(model, {
        system: 'Be brief.',
        prompt: 'Say something.',
        maxOutputTokens: 200,
        signal: never(),
        onDelta: () => {
          throw bug;
        },
      });
      await expect(call).rejects.toBe(bug);
      await double.seen(({ status }) => status === 'aborted');
    });

    test.each(['socket', 'clean-end'] as const)('takes a stream cut by %s for unavailable', async (how) => {
      expectType(await fails({ kind: 'cut', text: TEXT, how }), 'model_unavailable', true);
      expect(double.calls).toHaveLength(1);
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
      expect(double.calls).toHaveLength(1);
    });

    test('never waits longer than five minutes for a rate limit', async () => {
      const headers = { 'retry-after': '86400' };
      const failure = await fails({ kind: 'status', status: 429, message: 'slow down', headers });
      expect(failure.nextRetryDelay).toBe(300_000);
    });

    test.each([401, 403])('names the setting to check after %i, and repeats no key', async (status) => {
      const failure = await fails({ kind: 'status', status, message: `bad key ${subject.key}` });
      expectType(failure, 'model_unauthorized', false);
      expect(failure.message).toContain(subject.setting);
    });

    test.each([400, 404, 413])('does not retry %i, and truncates what the vendor said', async (status) => {
      const message = `no ${subject.key} ${'x'.repeat(2000)}`;
      expectType(await fails({ kind: 'status', status, message }), 'model_rejected', false);
    });

    test.each([408, 500, 503, 529])(
      'takes %i for unavailable, without retrying by itself',
      async (status) => {
        expectType(await fails({ kind: 'status', status, message: 'later' }), 'model_unavailable', true);
        expect(double.calls).toHaveLength(1);
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
      await double.close();
      expectType(await failureOf(ask()), 'model_unavailable', true);
    });
  });
};
