import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { Config } from '../../platform/config.ts';
import {
  PIXEL,
  startImageDouble,
  type ImageAnswer,
  type ImageDouble,
} from '../../test/doubles/image-double.ts';
import { until } from '../../test/harness/until.ts';
import type { ModelErrorType } from '../models/errors.ts';
import { generatePictures, type ImageModel } from './image-model.ts';
import { createImageModels } from './image-models.ts';

type ImagesConfig = Config['images'];

const KEY = 'a key without a shape';
const NOTHING: ImagesConfig = {
  chosen: null,
  price: null,
  openai: { apiKey: null, baseUrl: null },
  google: { apiKey: null, baseUrl: null },
  compatible: { apiKey: null, baseUrl: null },
};
const never = (): AbortSignal => new AbortController().signal;

interface Subject {
  readonly config: (url: string) => Partial<ImagesConfig>;
  readonly credentials: string;
  readonly setting: string;
  /** What the vendor is sent for a wide picture of a fern. */
  readonly body: object;
}

const modelFor = async (config: Partial<ImagesConfig>): Promise<ImageModel> => {
  const model = await createImageModels({ ...NOTHING, ...config }).resolve();
  if (!model) throw new Error('a model was expected');
  return model;
};

/** What every vendor of images has to do, observed at the vendor's end of the wire. */
const conformance = (name: string, subject: Subject): void => {
  describe(`${name}: an image provider`, () => {
    let double: ImageDouble;
    let model: ImageModel;
    beforeEach(async () => {
      double = await startImageDouble();
      model = await modelFor({ price: 40_000, ...subject.config(double.url) });
    });
    afterEach(() => double.close());

    const ask = (signal = never(), count = 1) =>
      generatePictures(model, { prompt: 'A fern', count, signal, headers: { traceparent: '00-ab-cd-01' } });

    const fails = async (answer: ImageAnswer): Promise<ApplicationFailure> => {
      double.next(answer);
      const error: unknown = await ask().catch((thrown: unknown) => thrown);
      if (error instanceof ApplicationFailure) return error;
      throw error;
    };

    const expectType = (failure: ApplicationFailure, type: ModelErrorType, retryable: boolean): void => {
      expect({ type: failure.type, retryable: failure.nonRetryable !== true }).toEqual({ type, retryable });
      expect(failure.message.length).toBeLessThanOrEqual(500);
      expect(failure.message).not.toContain(KEY);
      expect(failure.cause).toBeUndefined();
      expect(double.calls.length).toBeLessThanOrEqual(1);
    };

    test('sends the prompt, the shape, the trace and the credentials, and gives back the bytes', async () => {
      const [bytes, ...others] = await ask();
      expect(Buffer.from(bytes ?? [])).toEqual(PIXEL);
      expect(others).toEqual([]);
      expect(double.calls).toHaveLength(1);
      expect(double.calls[0]).toMatchObject({
        body: subject.body,
        credentials: subject.credentials,
        traceparent: '00-ab-cd-01',
      });
      expect(model).toMatchObject({ price: 40_000, setting: subject.setting });
    });

    test('makes as many as were asked for', async () => {
      expect(await ask(never(), 3)).toHaveLength(3);
    });

    test('closes the connection at once on abort, and throws the abort’s reason', async () => {
      double.next({ kind: 'hang' });
      const stop = new AbortController();
      const reason = new Error('stopped by a person');
      const call = ask(stop.signal);
      await until(async () => double.calls.length === 1, 'the call');
      stop.abort(reason);
      await expect(call).rejects.toBe(reason);
      await until(async () => double.calls[0]?.status === 'aborted', 'the end of the connection');
    });

    test('calls nobody when already aborted', async () => {
      const reason = new Error('too late');
      await expect(ask(AbortSignal.abort(reason))).rejects.toBe(reason);
      expect(double.calls).toHaveLength(0);
    });

    test('passes on how long a rate limit asks to wait', async () => {
      const headers = { 'retry-after': '7' };
      const failure = await fails({ kind: 'status', status: 429, message: 'slow down', headers });
      expectType(failure, 'model_rate_limited', true);
      expect(failure.nextRetryDelay).toBe(7000);
    });

    test.each([401, 403])('names the setting to check after %i, and repeats no key', async (status) => {
      const failure = await fails({ kind: 'status', status, message: `bad key ${KEY}` });
      expectType(failure, 'model_unauthorized', false);
      expect(failure.message).toContain(subject.setting);
    });

    test.each([400, 404])('takes %i for rejected, and truncates what the vendor said', async (status) => {
      const message = `no ${KEY} ${'x'.repeat(2000)}`;
      expectType(await fails({ kind: 'status', status, message }), 'model_rejected', false);
    });

    test.each([408, 500, 503])('takes %i for unavailable, without retrying by itself', async (status) => {
      expectType(await fails({ kind: 'status', status, message: 'later' }), 'model_unavailable', true);
      expect(double.calls).toHaveLength(1);
    });

    test('takes a garbled answer for unavailable', async () => {
      expectType(await fails({ kind: 'garbled' }), 'model_unavailable', true);
    });

    test('takes an answer without a picture for rejected', async () => {
      expectType(await fails({ kind: 'nothing' }), 'model_rejected', false);
      expect(double.calls).toHaveLength(1);
    });

    test('takes a closed port for unavailable', async () => {
      await double.close();
      const failure: unknown = await ask().catch((error: unknown) => error);
      expectType(failure as ApplicationFailure, 'model_unavailable', true);
    });
  });
};

conformance('openai', {
  config: (url) => ({ chosen: 'openai:gpt-image-1', openai: { apiKey: KEY, baseUrl: `${url}/v1` } }),
  credentials: `Bearer ${KEY}`,
  setting: 'OPENAI_API_KEY',
  body: { model: 'gpt-image-1', prompt: 'A fern', n: 1, size: '1536x1024' },
});

conformance('google', {
  config: (url) => ({ chosen: 'google:gemini-2.5-flash-image', google: { apiKey: KEY, baseUrl: url } }),
  credentials: KEY,
  setting: 'GOOGLE_GENERATIVE_AI_API_KEY',
  body: {
    contents: [{ role: 'user', parts: [{ text: 'A fern' }] }],
    generationConfig: { responseModalities: ['IMAGE'], imageConfig: { aspectRatio: '16:9' } },
  },
});

conformance('compatible', {
  config: (url) => ({ chosen: 'compatible:sd:3.5', compatible: { apiKey: KEY, baseUrl: `${url}/v1` } }),
  credentials: `Bearer ${KEY}`,
  setting: 'TASKLOOM_IMAGE_API_KEY',
  body: { model: 'sd:3.5', prompt: 'A fern', n: 1, size: '1024x1024', response_format: 'b64_json' },
});

test('a vendor that takes one call for each picture loses the others when one fails', async () => {
  const double = await startImageDouble();
  const google = { apiKey: KEY, baseUrl: double.url };
  const model = await modelFor({ chosen: 'google:gemini-2.5-flash-image', google });
  double.next({ kind: 'hang' });
  double.next({ kind: 'status', status: 400, message: 'no' });
  const pictures = generatePictures(model, { prompt: 'x', count: 2, signal: never() });
  await expect(pictures).rejects.toMatchObject({ type: 'model_rejected' });
  await until(async () => double.calls.some(({ status }) => status === 'aborted'), 'the other call to end');
  await double.close();
});

describe('choosing an image model', () => {
  test('nothing configured means title cards', async () => {
    const models = createImageModels(NOTHING);
    expect(await models.resolve()).toBeNull();
    expect(models.status()).toBeNull();
  });

  test('a server without keys gets none', async () => {
    const double = await startImageDouble();
    const compatible = { apiKey: null, baseUrl: `${double.url}/v1` };
    const model = await modelFor({ chosen: 'compatible:sd', compatible });
    await generatePictures(model, { prompt: 'x', count: 1, signal: never() });
    expect(double.calls[0]?.credentials).toBeUndefined();
    await double.close();
  });

  test.each([
    ['an unknown provider', { chosen: 'skynet:t800' }, 'TASKLOOM_IMAGE_MODEL'],
    ['a provider without a model', { chosen: 'openai' }, 'TASKLOOM_IMAGE_MODEL'],
    ['OpenAI without a key', { chosen: 'openai:gpt-image-1' }, 'OPENAI_API_KEY'],
    ['Google without a key', { chosen: 'google:gemini-2.5-flash-image' }, 'GOOGLE_GENERATIVE_AI_API_KEY'],
    ['a Google model that makes none', { chosen: 'google:imagen-4' }, 'TASKLOOM_IMAGE_MODEL'],
    ['a server without an address', { chosen: 'compatible:sd' }, 'TASKLOOM_IMAGE_BASE_URL'],
    [
      'an address that is none',
      { chosen: 'compatible:sd', compatible: { apiKey: null, baseUrl: 'nonsense' } },
      'TASKLOOM_IMAGE_BASE_URL',
    ],
  ] as const)('refuses %s and names the setting', async (_what, config, setting) => {
    const models = createImageModels({ ...NOTHING, ...config });
    const failure: unknown = await models.resolve().catch((error: unknown) => error);
    expect(failure).toMatchObject({ type: 'model_not_configured', nonRetryable: true });
    expect((failure as Error).message).toContain(setting);
    expect(models.status()).toEqual({
      id: config.chosen,
      available: false,
      reason: (failure as Error).message,
    });
  });
});
