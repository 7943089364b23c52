import { afterEach, beforeEach } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { Config } from '../../platform/config.ts';
import { startModelDouble, type DoubleCall, type ModelDouble } from '../../test/doubles/model-double.ts';
import type { ModelsConfig } from './choice.ts';
import type { ModelErrorType } from './errors.ts';
import { generateText, type GenerateRequest, type Generated, type Model } from './model.ts';
import { createModels, type Models, type ModelsOptions } from './registry.ts';

/** A provider under test. */
export interface Subject {
  /** A model of it that calls the double at `url`. */
  model(url: string): Promise<Model>;
  /** The credentials that must be sent, and must never be repeated in a message; null for a provider without any. */
  key: string | null;
  authorization: string | undefined;
  /** The variable that an operator has to check after a 401. */
  setting: string;
  /** Whether its answers tell of tokens that came from a cache. */
  countsCache: boolean;
  /** What stands in a request for the limit of output tokens. */
  limit(call: DoubleCall): unknown;
  /** The schema in a request that holds the model to one; undefined for a provider that is asked in words. */
  schema?: (call: DoubleCall) => unknown;
  /** What stands in a request for the result of a tool. */
  toolResult(call: DoubleCall): unknown;
}

export const TEXT = 'One two three four five six seven eight. Nine ten eleven twelve, and that is all.';

export const never = (): AbortSignal => new AbortController().signal;

/** What a call failed with; an answer fails the test. */
export const failureOf = async (call: Promise<unknown>): Promise<ApplicationFailure> => {
  const error: unknown = await call.then(
    () => new Error('the call was expected to fail, but it answered'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ApplicationFailure) return error;
  throw error;
};

/** A field at a path of a JSON value. */
export const at = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );

export interface Bench {
  double: ModelDouble;
  model: Model;
  /** Puts another double in place of the one of this test. */
  replace(options: Parameters<typeof startModelDouble>[0]): Promise<void>;
  ask(request?: Partial<GenerateRequest>): Promise<Generated>;
}

/** A double and a model that calls it, fresh for every test of the surrounding `describe`. */
export const benchOf = (subject: Subject): Bench => {
  const start = async (options: Parameters<typeof startModelDouble>[0]): Promise<void> => {
    bench.double = await startModelDouble(options);
    bench.model = await subject.model(bench.double.url);
  };
  const bench: Bench = {
    double: undefined as unknown as ModelDouble,
    model: undefined as unknown as Model,
    replace: async (options) => {
      await bench.double.close();
      await start(options);
    },
    ask: (request = {}) =>
      generateText(bench.model, {
        system: 'Be brief.',
        prompt: 'Say something.',
        maxOutputTokens: 200,
        signal: never(),
        onDelta: () => undefined,
        ...request,
      }),
  };
  beforeEach(() => start({}));
  afterEach(() => bench.double.close());
  return bench;
};

/** What is true of every failure of the port. @returns its type and whether it may be tried again. */
export const kindOf = (
  failure: ApplicationFailure,
  { key }: Subject,
): { type: ModelErrorType; retryable: boolean } => {
  if (failure.message.length > 500) throw new Error('the message is too long');
  if (key !== null && failure.message.includes(key)) throw new Error('the message repeats the key');
  if (failure.cause !== undefined) throw new Error('the failure carries what the vendor threw');
  return { type: failure.type as ModelErrorType, retryable: failure.nonRetryable !== true };
};

export type Settings = Partial<Config['models']> &
  Partial<Pick<ModelsConfig, 'cacheDir' | 'environment'>> &
  Partial<Pick<ModelsOptions, 'openAiUrl' | 'circuitOpenMs'>>;

const none = { apiKey: null, baseUrl: null };

/** The models' settings of an installation where nothing is configured. */
export const NOTHING_CONFIGURED: Config['models'] = {
  chosen: null,
  localPath: null,
  corrections: [],
  inputPrice: null,
  outputPrice: null,
  anthropic: none,
  openai: none,
  google: none,
  ollama: { host: null },
  idleMs: 60_000,
};

const opened: Models[] = [];

/** A registry of an installation with nothing configured but what is given. */
export const models = (settings: Settings = {}): Models => {
  const { cacheDir = '/nowhere', environment = 'production', openAiUrl, circuitOpenMs, ...given } = settings;
  const registry = createModels(
    { cacheDir, environment, models: { ...NOTHING_CONFIGURED, ...given } },
    {
      log: { info: () => undefined, warn: () => undefined },
      ...(openAiUrl === undefined ? {} : { openAiUrl }),
      ...(circuitOpenMs === undefined ? {} : { circuitOpenMs }),
    },
  );
  opened.push(registry);
  return registry;
};

/** Closes what {@link models} opened. */
export const closeModels = async (): Promise<void> => {
  await Promise.all(opened.splice(0).map((registry) => registry.close()));
};
