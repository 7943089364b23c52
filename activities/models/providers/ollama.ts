import {
  APICallError,
  type LanguageModelV4,
  type LanguageModelV4CallOptions,
  type LanguageModelV4FinishReason,
  type LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import { collect } from './collect.ts';
import { readLines, toBody, toUsage, type OllamaLine } from './ollama-wire.ts';

const refusal = (url: string, response: Response, body: string): APICallError => {
  let said: unknown;
  try {
    said = (JSON.parse(body) as { error?: unknown }).error;
  } catch {
    said = undefined;
  }
  return new APICallError({
    message: typeof said === 'string' ? said : response.statusText,
    url,
    requestBodyValues: {},
    statusCode: response.status,
    responseHeaders: Object.fromEntries(response.headers),
  });
};

const post = async (
  url: string,
  body: object,
  { headers, abortSignal }: LanguageModelV4CallOptions,
): Promise<ReadableStream<Uint8Array>> => {
  const given = Object.entries(headers ?? {}).filter(
    (header): header is [string, string] => header[1] !== undefined,
  );
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...Object.fromEntries(given), 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: abortSignal ?? null,
  }).catch((error: unknown) => {
    abortSignal?.throwIfAborted();
    throw new Error(`nothing answers at ${url}: check OLLAMA_HOST`, { cause: error });
  });
  if (!response.ok) throw refusal(url, response, await response.text());
  if (!response.body) throw new Error('Ollama answered without a body');
  return response.body;
};

/** Text and thinking are blocks with a beginning and an end; this opens and closes them as the lines alternate. */
const createBlocks = () => {
  let open: 'text' | 'reasoning' | undefined;
  let count = 0;
  const close = (): LanguageModelV4StreamPart[] => {
    const closed: LanguageModelV4StreamPart[] = open ? [{ type: `${open}-end`, id: String(count) }] : [];
    open = undefined;
    return closed;
  };
  const write = (kind: 'text' | 'reasoning', delta: string | undefined): LanguageModelV4StreamPart[] => {
    if (!delta) return [];
    const begun = open === kind ? [] : close();
    if (open !== kind) {
      open = kind;
      count += 1;
      begun.push({ type: `${kind}-start`, id: String(count) });
    }
    return [...begun, { type: `${kind}-delta`, id: String(count), delta }];
  };
  return { close, write };
};

const toolCalls = (line: OllamaLine, from: number): LanguageModelV4StreamPart[] =>
  (line.message?.tool_calls ?? []).map((call, index) => ({
    type: 'tool-call',
    toolCallId: call.id ?? `call_${from + index}`,
    toolName: call.function?.name ?? '',
    input: JSON.stringify(call.function?.arguments ?? {}),
  }));

const finishOf = (reason: string | undefined, called: boolean): LanguageModelV4FinishReason => ({
  unified: reason === 'length' ? 'length' : called ? 'tool-calls' : reason === 'stop' ? 'stop' : 'other',
  raw: reason,
});

async function* parts(
  body: ReadableStream<Uint8Array>,
  { includeRawChunks }: LanguageModelV4CallOptions,
): AsyncGenerator<LanguageModelV4StreamPart> {
  const blocks = createBlocks();
  let called = 0;
  let last: OllamaLine | undefined;
  yield { type: 'stream-start', warnings: [] };
  for await (const line of readLines(body)) {
    if (includeRawChunks) yield { type: 'raw', rawValue: line };
    if (line.error !== undefined) {
      yield { type: 'error', error: new Error(line.error) };
      return;
    }
    yield* blocks.write('reasoning', line.message?.thinking);
    yield* blocks.write('text', line.message?.content);
    const calls = toolCalls(line, called);
    if (calls.length > 0) yield* blocks.close();
    yield* calls;
    called += calls.length;
    if (line.done) last = line;
  }
  yield* blocks.close();
  yield {
    type: 'finish',
    usage: toUsage(last ?? {}),
    finishReason: last ? finishOf(last.done_reason, called > 0) : { unified: 'interrupted', raw: undefined },
  };
}

/**
 * A model of an Ollama server, over its own chat API.
 * @param url of the server, without a slash at its end
 */
export const ollamaLanguage = (name: string, url: string): LanguageModelV4 => {
  const doStream: LanguageModelV4['doStream'] = async (call) => ({
    stream: ReadableStream.from(parts(await post(`${url}/api/chat`, toBody(name, call), call), call)),
  });
  return {
    specificationVersion: 'v4',
    provider: 'ollama',
    modelId: name,
    supportedUrls: {},
    doStream,
    doGenerate: async (call) => collect((await doStream(call)).stream),
  };
};
