/**
 * The child process that holds the local model: node-llama-cpp stalls its event loop for up to half a second, so it
 * never runs inside a worker. Started by local.ts with the weights' path as its only argument.
 */
import { setPriority } from 'node:os';
import type { ChatHistoryItem, ChatWrapper, Llama, LlamaContextSequence, LlamaModel } from 'node-llama-cpp';
import { LOCAL_CONTEXT_TOKENS } from './local-limits.ts';

export interface EngineMessage {
  role: 'system' | 'user' | 'assistant';
  text: string;
}
export interface EngineRequest {
  type: 'generate';
  id: number;
  messages: EngineMessage[];
  maxOutputTokens: number;
  temperature: number;
  seed: number;
  /** JSON Schema that the answer is held to. */
  schema?: object;
}
export type ToEngine = EngineRequest | { type: 'abort'; id: number };
export type FromEngine =
  /** Said again and again to each request that stands in line, so that its wait does not look like a hang. */
  | { type: 'waiting'; id: number }
  | { type: 'delta'; id: number; text: string }
  | { type: 'done'; id: number; inputTokens: number; outputTokens: number; stopped: 'stop' | 'length' }
  | { type: 'failed'; id: number; why: 'load' | 'too_long' | 'schema' | 'engine'; message: string };

interface Loaded {
  llama: typeof import('node-llama-cpp');
  engine: Llama;
  model: LlamaModel;
  sequence: LlamaContextSequence;
  wrapper: ChatWrapper;
}

const WAITING_MS = 500;
const NICENESS = 10;

const queue: EngineRequest[] = [];
let running: { id: number; abort: AbortController } | null = null;
let loading: Promise<Loaded> | null = null;

// The callback swallows a parent that left in between: `disconnect` below ends this process.
const send = (message: FromEngine): void =>
  void process.send?.(message, undefined, undefined, () => undefined);

/**
 * The library's plain ChatML wrapper opens SmolLM2's prompts with the start token twice, which makes a model this small
 * talk about its task; the template inside the weights does not.
 */
const wrapperOf = (llama: Loaded['llama'], model: LlamaModel): ChatWrapper => {
  const wrapper = llama.resolveChatWrapper(model);
  const template = model.fileInfo.metadata.tokenizer?.chat_template;
  return wrapper.wrapperName === 'ChatML' && template
    ? new llama.JinjaTemplateChatWrapper({ template })
    : wrapper;
};

const load = async (weightsPath: string): Promise<Loaded> => {
  const llama = await import('node-llama-cpp');
  const engine = await llama.getLlama({
    gpu: false,
    build: 'never',
    maxThreads: 1,
    logLevel: llama.LlamaLogLevel.error,
  });
  const model = await engine.loadModel({ modelPath: weightsPath });
  // Two threads on two busy cores were measured at 1 token/s, one at 100.
  const context = await model.createContext({ contextSize: LOCAL_CONTEXT_TOKENS, sequences: 1, threads: 1 });
  return { llama, engine, model, sequence: context.getSequence(), wrapper: wrapperOf(llama, model) };
};

const toHistory = (messages: EngineMessage[]): ChatHistoryItem[] =>
  messages.map(({ role, text }) =>
    role === 'assistant' ? { type: 'model', response: [text] } : { type: role, text },
  );

/** Runs one request on the one sequence; the caller makes sure that no other is running. */
const generate = async (loaded: Loaded, request: EngineRequest, signal: AbortSignal): Promise<FromEngine> => {
  const { llama, engine, model, sequence, wrapper } = loaded;
  const { id } = request;
  const chat = new llama.LlamaChat({
    contextSequence: sequence,
    chatWrapper: wrapper,
    autoDisposeSequence: false,
  });
  try {
    const chatHistory: ChatHistoryItem[] = [...toHistory(request.messages), { type: 'model', response: [] }];
    const { contextText } = chat.chatWrapper.generateContextState({ chatHistory });
    const inputTokens = contextText.tokenize(model.tokenizer).length;
    if (inputTokens + request.maxOutputTokens > LOCAL_CONTEXT_TOKENS) {
      const message = `the prompt has ${inputTokens} tokens and asks for up to ${request.maxOutputTokens} more, but the local model holds ${LOCAL_CONTEXT_TOKENS} in all`;
      return { type: 'failed', id, why: 'too_long', message };
    }
    const grammar =
      request.schema && (await engine.createGrammarForJsonSchema(request.schema as { type: 'object' }));
    let outputTokens = 0;
    const { metadata } = await chat.generateResponse(chatHistory, {
      signal,
      stopOnAbortSignal: true,
      maxTokens: request.maxOutputTokens,
      temperature: request.temperature,
      seed: request.seed,
      ...(grammar ? { grammar } : {}),
      repeatPenalty: { penalty: 1.1, lastTokens: 128, penalizeNewLine: false },
      onToken: (tokens) => {
        outputTokens += tokens.length;
      },
      onTextChunk: (text) => send({ type: 'delta', id, text }),
    });
    const stopped = metadata.stopReason === 'maxTokens' ? 'length' : 'stop';
    return { type: 'done', id, inputTokens, outputTokens, stopped };
  } finally {
    chat.dispose({ disposeSequence: false });
  }
};

const runOne = async (request: EngineRequest, signal: AbortSignal): Promise<FromEngine> => {
  const failed = (why: 'load' | 'schema' | 'engine', error: unknown): FromEngine => ({
    type: 'failed',
    id: request.id,
    why,
    message: error instanceof Error ? error.message : String(error),
  });
  loading ??= load(process.argv[2] ?? '');
  const loaded = await loading.catch((error: unknown) => failed('load', error));
  if ('type' in loaded) {
    loading = null;
    return loaded;
  }
  return generate(loaded, request, signal).catch((error: unknown) =>
    // The library has no type of its own for a schema that its grammars cannot express.
    failed(request.schema && /grammar|schema/i.test(String(error)) ? 'schema' : 'engine', error),
  );
};

/** Works the queue off, first in first out; a second call while one is running does nothing. */
const drain = async (): Promise<void> => {
  if (running) return;
  for (let request = queue.shift(); request; request = queue.shift()) {
    const abort = new AbortController();
    running = { id: request.id, abort };
    const answer = await runOne(request, abort.signal);
    if (!abort.signal.aborted) send(answer);
    running = null;
  }
};

process.on('message', (message: ToEngine) => {
  if (message.type === 'generate') {
    queue.push(message);
    void drain();
  } else if (running?.id === message.id) {
    running.abort.abort();
  } else {
    const index = queue.findIndex(({ id }) => id === message.id);
    if (index >= 0) queue.splice(index, 1);
  }
});
setInterval(() => queue.forEach(({ id }) => send({ type: 'waiting', id })), WAITING_MS);
process.on('disconnect', () => process.exit(0));
setPriority(NICENESS);
