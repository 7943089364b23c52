import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import type { ApplicationFailure } from '@temporalio/common';
import { modelFailure } from '../errors.ts';
import { collect } from './collect.ts';
import type { EngineMessage, EngineRequest, FromEngine, ToEngine } from './local-engine.ts';

const ENGINE = fileURLToPath(new URL('./local-engine.ts', import.meta.url));
const IDLE_MS = 10 * 60_000;
const CLOSE_GRACE_MS = 2_000;
const DEFAULT_MAX_OUTPUT_TOKENS = 512;
/** Low, so that a demo reads the same twice; not 0, where a model this small repeats itself. */
const DEFAULT_TEMPERATURE = 0.3;
const DEFAULT_SEED = 7;

interface LocalModelOptions {
  name: string;
  weightsPath: string;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Milliseconds without a call after which the child process is stopped. */
  idleMs?: number;
}

interface Call {
  onWaiting(): void;
  onDelta(text: string): void;
  onDone(message: Extract<FromEngine, { type: 'done' }>): void;
  onFailed(failure: ApplicationFailure): void;
}

interface Engine {
  /** Queues a request and returns the function that withdraws it. */
  ask(request: Omit<EngineRequest, 'type' | 'id'>, call: Call): () => void;
  close(): Promise<void>;
}

const FAILURES = {
  load: 'model_not_configured',
  too_long: 'model_rejected',
  schema: 'model_rejected',
  engine: 'model_unavailable',
} as const;

const toFailure = (message: Extract<FromEngine, { type: 'failed' }>): ApplicationFailure =>
  modelFailure(
    FAILURES[message.why],
    message.why === 'load'
      ? `The local model could not be loaded: ${message.message}. Check TASKLOOM_MODEL_PATH, or choose another model with TASKLOOM_MODEL`
      : `The local model failed: ${message.message}`,
  );

const startChild = (weightsPath: string): ChildProcess =>
  fork(ENGINE, [weightsPath], {
    execPath: process.execPath,
    execArgv: [],
    // Native code that reads a file from the network needs none of our secrets.
    env: {},
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });

const stopChild = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const kill = setTimeout(() => child.kill('SIGKILL'), CLOSE_GRACE_MS);
  if (child.connected) child.disconnect();
  await exited;
  clearTimeout(kill);
};

/** Only a call in flight may keep this process alive: an idle child must not. */
const hold = (child: ChildProcess, busy: boolean): void => {
  if (busy) {
    child.ref();
    child.channel?.ref();
  } else {
    child.unref();
    child.channel?.unref();
  }
};

/** Hands what the child says to the call that it belongs to, and tells once or more how the child was lost. */
const listen = (
  child: ChildProcess,
  to: { get(id: number): Call | undefined; settle(id: number): Call | undefined; onLost(how: string): void },
): void => {
  child.on('message', (message: FromEngine) => {
    if (message.type === 'waiting') to.get(message.id)?.onWaiting();
    else if (message.type === 'delta') to.get(message.id)?.onDelta(message.text);
    else if (message.type === 'done') to.settle(message.id)?.onDone(message);
    else to.settle(message.id)?.onFailed(toFailure(message));
  });
  child.on('error', (error) => to.onLost(`failed: ${error.message}`));
  child.on('exit', (code, signal) => to.onLost(`ended (${signal ?? `exit code ${code}`})`));
};

/** The one child process of a model: started at the first call, stopped when idle, started again after a crash. */
const createEngine = ({ weightsPath, log, idleMs = IDLE_MS }: LocalModelOptions): Engine => {
  const calls = new Map<number, Call>();
  let child: ChildProcess | null = null;
  let idle: NodeJS.Timeout | undefined;
  let lastId = 0;

  const settle = (id: number): Call | undefined => {
    const call = calls.get(id);
    if (calls.delete(id) && calls.size === 0 && child) {
      hold(child, false);
      const resting = child;
      idle = setTimeout(() => void stopChild(resting), idleMs).unref();
    }
    return call;
  };

  const failAll = (why: string): void => {
    for (const id of calls.keys()) settle(id)?.onFailed(modelFailure('model_unavailable', why));
  };

  const running = (): ChildProcess => {
    if (child?.connected) return child;
    const started = startChild(weightsPath);
    log.info({ pid: started.pid, weightsPath }, 'local model started');
    const onLost = (how: string): void => {
      if (child !== started) return;
      child = null;
      clearTimeout(idle);
      if (calls.size > 0) log.warn({ pid: started.pid, calls: calls.size }, `local model ${how}`);
      failAll(`The local model's process ${how}`);
    };
    listen(started, { get: (id) => calls.get(id), settle, onLost });
    child = started;
    return started;
  };

  const post = (to: ChildProcess, message: ToEngine): void =>
    void (to.connected && to.send(message, () => undefined));

  return {
    ask: (request, call) => {
      clearTimeout(idle);
      const to = running();
      const id = ++lastId;
      calls.set(id, call);
      hold(to, true);
      post(to, { ...request, type: 'generate', id });
      return () => {
        if (settle(id)) post(to, { type: 'abort', id });
      };
    },
    close: async () => {
      clearTimeout(idle);
      const ending = child;
      child = null;
      failAll('The local model was closed');
      if (ending) await stopChild(ending);
    },
  };
};

const toMessages = (prompt: LanguageModelV4Prompt): EngineMessage[] =>
  prompt.map((message) => {
    if (message.role === 'system') return { role: 'system', text: message.content };
    if (message.role === 'tool')
      throw modelFailure('model_rejected', 'The local model takes no tool results');
    const texts = message.content.map((part) => {
      if (part.type !== 'text')
        throw modelFailure('model_rejected', `The local model takes text, not ${part.type}`);
      return part.text;
    });
    return { role: message.role, text: texts.join('\n') };
  });

const toUsage = (inputTokens: number, outputTokens: number): LanguageModelV4Usage => ({
  inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: outputTokens, text: outputTokens, reasoning: undefined },
});

/** The stream of one call. An abort ends it at once with the signal's reason and frees the engine for the next. */
const streamCall = (
  engine: Engine,
  options: LanguageModelV4CallOptions,
): ReadableStream<LanguageModelV4StreamPart> => {
  const messages = toMessages(options.prompt);
  const format = options.responseFormat;
  const signal = options.abortSignal;
  let withdraw = (): void => undefined;
  const onAbort = (): void => withdraw();
  return new ReadableStream<LanguageModelV4StreamPart>({
    start: (controller) => {
      const end = (last: LanguageModelV4StreamPart[]): void => {
        signal?.removeEventListener('abort', onAbort);
        for (const part of last) controller.enqueue(part);
        controller.close();
      };
      controller.enqueue({ type: 'stream-start', warnings: [] });
      controller.enqueue({ type: 'text-start', id: '0' });
      const cancel = engine.ask(
        {
          messages,
          maxOutputTokens: options.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS,
          temperature: options.temperature ?? DEFAULT_TEMPERATURE,
          seed: options.seed ?? DEFAULT_SEED,
          ...(format?.type === 'json' ? { schema: format.schema ?? {} } : {}),
        },
        {
          onWaiting: () => controller.enqueue({ type: 'ping' }),
          onDelta: (delta) => controller.enqueue({ type: 'text-delta', id: '0', delta }),
          onDone: ({ inputTokens, outputTokens, stopped }) => {
            const finishReason = { unified: stopped, raw: undefined };
            end([
              { type: 'text-end', id: '0' },
              { type: 'finish', usage: toUsage(inputTokens, outputTokens), finishReason },
            ]);
          },
          onFailed: (error) => end([{ type: 'error', error }]),
        },
      );
      withdraw = () => {
        cancel();
        controller.error(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    },
    cancel: () => {
      signal?.removeEventListener('abort', onAbort);
      withdraw();
    },
  });
};

/**
 * The local model (node-llama-cpp in a child process of its own) as an AI SDK language model. Calls share the child
 * and wait in line: one is answered at a time.
 * @returns the model, and `close`, which fails calls in flight and ends the child
 */
export const createLocalModel = (
  options: LocalModelOptions,
): { language: LanguageModelV4; close: () => Promise<void> } => {
  const engine = createEngine(options);
  const language: LanguageModelV4 = {
    specificationVersion: 'v4',
    provider: 'local',
    modelId: options.name,
    supportedUrls: {},
    doStream: async (call) => {
      call.abortSignal?.throwIfAborted();
      return { stream: streamCall(engine, call) };
    },
    doGenerate: async (call) => {
      call.abortSignal?.throwIfAborted();
      return collect(streamCall(engine, call));
    },
  };
  return { language, close: () => engine.close() };
};
