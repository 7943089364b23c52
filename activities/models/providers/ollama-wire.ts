import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4ToolResultOutput,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { modelFailure } from '../errors.ts';

interface OllamaMessage {
  role: LanguageModelV4Message['role'];
  content: string;
  images?: string[];
  tool_calls?: { function: { name: string; arguments: unknown } }[];
  tool_name?: string;
}

/** One line of the stream of `/api/chat`. */
export interface OllamaLine {
  error?: string;
  message?: {
    content?: string;
    thinking?: string;
    tool_calls?: { id?: string; function?: { name?: string; arguments?: unknown } }[];
  };
  done?: boolean;
  done_reason?: string;
  prompt_eval_count?: number;
  eval_count?: number;
}

const imageOf = ({ data, mediaType }: LanguageModelV4FilePart): string => {
  if (!mediaType.startsWith('image/') || data.type !== 'data')
    throw modelFailure('model_rejected', 'Ollama takes images given as data, and no other files');
  return typeof data.data === 'string' ? data.data : Buffer.from(data.data).toString('base64');
};

const resultText = (output: LanguageModelV4ToolResultOutput): string => {
  if (output.type === 'text' || output.type === 'error-text') return output.value;
  if (output.type === 'execution-denied') return `denied${output.reason ? `: ${output.reason}` : ''}`;
  return JSON.stringify(output.value);
};

const toMessages = (message: LanguageModelV4Message): OllamaMessage[] => {
  if (message.role === 'system') return [{ role: 'system', content: message.content }];
  if (message.role === 'tool')
    return message.content.flatMap((part) =>
      part.type === 'tool-result'
        ? [{ role: 'tool', tool_name: part.toolName, content: resultText(part.output) }]
        : [],
    );
  const parts = [...message.content];
  const texts = parts.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  const images = parts.flatMap((part) => (part.type === 'file' ? [imageOf(part)] : []));
  const calls = parts.flatMap((part) =>
    part.type === 'tool-call' ? [{ function: { name: part.toolName, arguments: part.input } }] : [],
  );
  return [
    {
      role: message.role,
      content: texts.join('\n'),
      ...(images.length === 0 ? {} : { images }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
  ];
};

const toolsOf = ({ tools = [], toolChoice }: LanguageModelV4CallOptions): object[] =>
  toolChoice?.type === 'none'
    ? []
    : tools.flatMap((tool) =>
        tool.type === 'function'
          ? [
              {
                type: 'function',
                function: { name: tool.name, description: tool.description, parameters: tool.inputSchema },
              },
            ]
          : [],
      );

/** The body of `POST /api/chat` for a call. Thinking is off: it counts against the output tokens. */
export const toBody = (model: string, call: LanguageModelV4CallOptions): object => {
  const { responseFormat } = call;
  const tools = toolsOf(call);
  return {
    model,
    messages: call.prompt.flatMap(toMessages),
    stream: true,
    think: call.reasoning !== undefined && !['none', 'provider-default'].includes(call.reasoning),
    ...(tools.length === 0 ? {} : { tools }),
    ...(responseFormat?.type === 'json' ? { format: responseFormat.schema ?? 'json' } : {}),
    // JSON leaves out what was not given.
    options: {
      num_predict: call.maxOutputTokens,
      temperature: call.temperature,
      top_p: call.topP,
      top_k: call.topK,
      stop: call.stopSequences,
      seed: call.seed,
      presence_penalty: call.presencePenalty,
      frequency_penalty: call.frequencyPenalty,
    },
  };
};

export const toUsage = (line: OllamaLine): LanguageModelV4Usage => ({
  inputTokens: {
    total: line.prompt_eval_count,
    noCache: undefined,
    cacheRead: undefined,
    cacheWrite: undefined,
  },
  outputTokens: { total: line.eval_count, text: undefined, reasoning: undefined },
});

/** @throws Error for bytes that are no JSON object. */
const toLine = (text: string): OllamaLine => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (typeof value !== 'object' || value === null)
    throw new Error('the stream holds something that is not JSON');
  return value;
};

/** The lines of a stream as they arrive, whatever pieces the network cut it into. */
export async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<OllamaLine> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield toLine(line);
  }
  if (rest.trim() !== '') yield toLine(rest);
}
