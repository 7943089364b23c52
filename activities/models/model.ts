import type { LanguageModelV4 } from '@ai-sdk/provider';
import { streamText, type LanguageModelUsage } from 'ai';
import { modelFailure, toModelFailure, type FailingModel } from './errors.ts';

// Warnings tell which settings a model ignores (a temperature, thinking turned off), on stderr and at every call.
globalThis.AI_SDK_LOG_WARNINGS = false;

/** Micro-dollars per million tokens. */
export interface ModelPrice {
  inputPerMtok: number;
  outputPerMtok: number;
}

/** One usable model behind any provider. `id` is `provider:name`; `price` is null where nobody configured one. */
export interface Model extends FailingModel {
  id: string;
  provider: string;
  name: string;
  /** `demo` marks models too small to judge, score or choose: code does that for them. */
  quality: 'demo' | 'standard';
  price: ModelPrice | null;
  language: LanguageModelV4;
}

export interface GenerateRequest {
  system: string;
  prompt: string;
  maxOutputTokens: number;
  temperature?: number;
  /** Sent along with the call, such as `traceparent`. */
  headers?: Record<string, string>;
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

type Stream = ReturnType<typeof streamText>['fullStream'];
interface Answer {
  text: string;
  usage: LanguageModelUsage | undefined;
  finishReason: string;
}

/** Reads the stream to its end: vendors' errors arrive in it, or as its own rejection. */
const readAnswer = async (stream: Stream, onDelta: (text: string) => void): Promise<Answer> => {
  const answer: Answer = { text: '', usage: undefined, finishReason: 'interrupted' };
  for await (const part of stream) {
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

/**
 * Asks a model for a text and streams it. The vendor SDK's own retries are off: the activity's profile decides.
 * @returns the text, its tokens (0 where a provider counts none) and the wall time of the call in milliseconds
 * @throws ApplicationFailure of a {@link ModelErrorType}; the signal's reason when it was aborted; what `onDelta` threw
 */
export const generateText = async (model: Model, request: GenerateRequest): Promise<Generated> => {
  request.signal.throwIfAborted();
  const startedMs = performance.now();
  const ended = new AbortController();
  let bug: { error: unknown } | undefined;
  const onDelta = (text: string): void => {
    try {
      request.onDelta(text);
    } catch (error) {
      bug = { error };
      throw error;
    }
  };
  try {
    const { fullStream } = streamText({
      model: model.language,
      system: request.system,
      prompt: request.prompt,
      maxOutputTokens: request.maxOutputTokens,
      ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
      ...(request.headers === undefined ? {} : { headers: request.headers }),
      maxRetries: 0,
      abortSignal: AbortSignal.any([request.signal, ended.signal]),
      onError: () => undefined,
    });
    const answer = await readAnswer(fullStream, onDelta);
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
    throw bug ? bug.error : toModelFailure(error, model);
  } finally {
    // Also when `onDelta` threw: nobody reads on, so the vendor must not go on writing and billing.
    ended.abort();
  }
};
