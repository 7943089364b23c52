import { jsonSchema, Output, streamText, type LanguageModelUsage } from 'ai';
import { modelFailure, toModelFailure } from './errors.ts';
import type { Model } from './model.ts';

// Warnings tell which settings a model ignores (a temperature, thinking turned off), on stderr and at every call.
globalThis.AI_SDK_LOG_WARNINGS = false;

/** JSON Schema, draft 7. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface CallRequest {
  system: string;
  messages: readonly { readonly role: 'user' | 'assistant'; readonly content: string }[];
  maxOutputTokens: number;
  temperature?: number;
  /** Makes the provider hold the model to it; only for models with the ability `structured_output`. */
  schema?: JsonSchema;
  /** Sent along with the call, such as `traceparent`. */
  headers?: Record<string, string>;
  /** Milliseconds without a sign of life after which the connection is closed; the model's own when left out. */
  idleMs?: number;
  /** Aborting closes the connection to the provider at once. */
  signal: AbortSignal;
  /** Called with each piece of text as it arrives; the pieces concatenate to the answer. */
  onDelta(text: string): void;
}

export interface Generated {
  text: string;
  usage: { inputTokens: number; outputTokens: number; cachedInputTokens: number };
  latencyMs: number;
  finishReason: 'stop' | 'length' | 'content-filter' | 'other';
}

interface Part {
  readonly type: string;
}
interface Answer {
  text: string;
  usage: LanguageModelUsage | undefined;
  finishReason: string;
}

const startStream = (model: Model, request: CallRequest, abortSignal: AbortSignal) =>
  streamText({
    model: model.language,
    system: request.system,
    messages: [...request.messages],
    maxOutputTokens: request.maxOutputTokens,
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.headers === undefined ? {} : { headers: request.headers }),
    ...(request.schema === undefined
      ? {}
      : { output: Output.object({ schema: jsonSchema(request.schema) }) }),
    maxRetries: 0,
    abortSignal,
    // A vendor's keep-alive or hidden thought is a sign of life too, and only the raw events tell of them.
    include: { rawChunks: true },
    onError: () => undefined,
  }).fullStream;

/** Reads the stream to its end: vendors' errors arrive in it, or as its own rejection. */
const readAnswer = async (
  stream: ReturnType<typeof startStream>,
  onPart: (part: Part) => void,
  onDelta: (text: string) => void,
): Promise<Answer> => {
  const answer: Answer = { text: '', usage: undefined, finishReason: 'interrupted' };
  for await (const part of stream) {
    onPart(part);
    if (part.type === 'text-delta') {
      answer.text += part.text;
      onDelta(part.text);
    } else if (part.type === 'error') {
      throw part.error;
    } else if (part.type === 'finish') {
      answer.usage = part.totalUsage;
      answer.finishReason = part.finishReason;
    }
  }
  return answer;
};

/** Refuses answers that only look finished, so that no half text is ever stored as a result. */
const checkAnswer = (model: Model, { text, finishReason }: Answer): Generated['finishReason'] => {
  if (finishReason === 'interrupted' || finishReason === 'error')
    throw modelFailure(
      'model_unavailable',
      `${model.id} cut its answer short after ${text.length} characters`,
    );
  if (text.trim() === '') {
    if (finishReason === 'content-filter')
      throw modelFailure('model_rejected', `${model.id} refused to answer this prompt`);
    if (finishReason === 'length')
      throw modelFailure(
        'model_rejected',
        `${model.id} used all its output tokens before the first word: allow more`,
      );
    throw modelFailure('model_unavailable', `${model.id} answered with an empty text`);
  }
  return finishReason === 'stop' || finishReason === 'length' || finishReason === 'content-filter'
    ? finishReason
    : 'other';
};

/** Calls back once when `touch` was not called for `idleMs`. */
const watchSilence = (idleMs: number, onSilence: () => void) => {
  const timer = setTimeout(onSilence, idleMs);
  return { touch: () => void timer.refresh(), stop: () => clearTimeout(timer) };
};

const attempt = async (model: Model, request: CallRequest): Promise<Generated> => {
  const startedMs = performance.now();
  const idleMs = request.idleMs ?? model.idleMs;
  const ended = new AbortController();
  let bug: { error: unknown } | undefined;
  let stalled = false;
  const silence = watchSilence(idleMs, () => {
    stalled = true;
    ended.abort();
  });
  const onDelta = (text: string): void => {
    try {
      request.onDelta(text);
    } catch (error) {
      bug = { error };
      throw error;
    }
  };
  try {
    const stream = startStream(model, request, AbortSignal.any([request.signal, ended.signal]));
    const answer = await readAnswer(stream, silence.touch, onDelta);
    request.signal.throwIfAborted();
    const finishReason = checkAnswer(model, answer);
    return {
      text: answer.text,
      usage: {
        inputTokens: answer.usage?.inputTokens ?? 0,
        outputTokens: answer.usage?.outputTokens ?? 0,
        cachedInputTokens: answer.usage?.inputTokenDetails.cacheReadTokens ?? 0,
      },
      latencyMs: Math.round(performance.now() - startedMs),
      finishReason,
    };
  } catch (error) {
    request.signal.throwIfAborted();
    if (stalled) throw modelFailure('model_stalled', `${model.id} said nothing for ${idleMs / 1000} s`);
    throw bug ? bug.error : toModelFailure(error, model);
  } finally {
    silence.stop();
    // Also when `onDelta` threw: nobody reads on, so the vendor must not go on writing and billing.
    ended.abort();
  }
};

/**
 * One call of a model, through the circuit of its provider.
 * @throws ApplicationFailure of a {@link ModelErrorType}; the signal's reason when it was aborted; what `onDelta` threw
 */
export const callModel = async (model: Model, request: CallRequest): Promise<Generated> => {
  request.signal.throwIfAborted();
  return model.circuit.run(model.id, () => attempt(model, request));
};
