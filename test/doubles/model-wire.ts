/** The two vendors' wire formats, as their public API references print them: what the model double writes. */

interface Message {
  role: string;
  content: string | { type: string; text?: string }[];
}

export interface RequestBody {
  model: string;
  messages: Message[];
  /** Anthropic's place for the system text; OpenAI's is a message. */
  system?: Message['content'];
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  [field: string]: unknown;
}

export interface Wire {
  begin(id: number, body: RequestBody, prompt: string, cachedTokens: number): string;
  piece(id: number, body: RequestBody, text: string): string;
  end(
    id: number,
    body: RequestBody,
    prompt: string,
    text: string,
    finish: 'stop' | 'length',
    cachedTokens: number,
  ): string;
  errorEvent(type: string, message: string): string;
  /** The body of an answer that was not asked to stream. */
  whole(id: number, body: RequestBody, prompt: string, text: string): object;
  error(status: number, message: string, code: string | undefined): object;
}

const textOf = (content: Message['content']): string =>
  typeof content === 'string' ? content : content.map(({ text }) => text ?? '').join('\n');

/** The system text and all messages of a request, the same text for both formats. */
export const promptOf = ({ system, messages }: RequestBody): string =>
  [...(system === undefined ? [] : [system]), ...messages.map(({ content }) => content)]
    .map(textOf)
    .join('\n');

/** A stand-in for the vendors' tokenizers: tests only need numbers that follow the text. */
export const tokensOf = (text: string): number => Math.ceil(text.length / 4);

const event = (data: { type: string; [field: string]: unknown }): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;

const ANTHROPIC_STOP = { stop: 'end_turn', length: 'max_tokens' } as const;
const ANTHROPIC_ERRORS: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

const anthropicMessage = (id: number, model: string, fields: object): object => ({
  id: `msg_${id}`,
  type: 'message',
  role: 'assistant',
  model,
  stop_sequence: null,
  ...fields,
});

const anthropicUsage = (prompt: string, cachedTokens: number, outputTokens: number): object => ({
  // Anthropic counts tokens read from its cache beside the input tokens, not among them.
  input_tokens: tokensOf(prompt) - cachedTokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: cachedTokens,
  output_tokens: outputTokens,
});

export const anthropicWire: Wire = {
  begin: (id, { model }, prompt, cachedTokens) =>
    [
      event({
        type: 'message_start',
        message: anthropicMessage(id, model, {
          content: [],
          stop_reason: null,
          usage: anthropicUsage(prompt, cachedTokens, 1),
        }),
      }),
      event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
      event({ type: 'ping' }),
    ].join(''),
  piece: (_id, _body, text) =>
    event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
  end: (_id, _body, _prompt, text, finish) =>
    [
      event({ type: 'content_block_stop', index: 0 }),
      event({
        type: 'message_delta',
        delta: { stop_reason: ANTHROPIC_STOP[finish], stop_sequence: null },
        usage: { output_tokens: tokensOf(text) },
      }),
      event({ type: 'message_stop' }),
    ].join(''),
  errorEvent: (type, message) => event({ type: 'error', error: { type, message } }),
  whole: (id, { model }, prompt, text) =>
    anthropicMessage(id, model, {
      content: [{ type: 'text', text }],
      stop_reason: 'end_turn',
      usage: anthropicUsage(prompt, 0, tokensOf(text)),
    }),
  error: (status, message, code) => ({
    type: 'error',
    error: { type: code ?? ANTHROPIC_ERRORS[status] ?? 'api_error', message },
    request_id: 'req_double',
  }),
};

const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;

const openAiUsage = (prompt: string, text: string, cachedTokens: number): object => ({
  prompt_tokens: tokensOf(prompt),
  completion_tokens: tokensOf(text),
  total_tokens: tokensOf(prompt) + tokensOf(text),
  prompt_tokens_details: { cached_tokens: cachedTokens },
});

const openAiChunk = (id: number, { model }: RequestBody, fields: object): object => ({
  id: `chatcmpl-${id}`,
  object: 'chat.completion.chunk',
  created: 1_700_000_000,
  model,
  ...fields,
});

const openAiDelta = (id: number, body: RequestBody, delta: object, finish_reason: string | null): string =>
  data(openAiChunk(id, body, { choices: [{ index: 0, delta, finish_reason }] }));

export const openAiWire: Wire = {
  begin: (id, body) => openAiDelta(id, body, { role: 'assistant', content: '' }, null),
  piece: (id, body, content) => openAiDelta(id, body, { content }, null),
  end: (id, body, prompt, text, finish, cachedTokens) =>
    [
      openAiDelta(id, body, {}, finish),
      body.stream_options?.include_usage
        ? data(openAiChunk(id, body, { choices: [], usage: openAiUsage(prompt, text, cachedTokens) }))
        : '',
      'data: [DONE]\n\n',
    ].join(''),
  errorEvent: (type, message) => data({ error: { message, type, param: null, code: null } }),
  whole: (id, body, prompt, text) => ({
    ...openAiChunk(id, body, {
      choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
      usage: openAiUsage(prompt, text, 0),
    }),
    object: 'chat.completion',
  }),
  error: (_status, message, code) => ({
    error: { message, type: 'error', param: null, code: code ?? null },
  }),
};
