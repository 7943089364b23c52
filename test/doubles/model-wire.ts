/** Anthropic's and OpenAI's wire formats, as their public API references print them: what the model double writes. */
import { promptOf, tokensOf, type RequestBody, type Wire } from './wire.ts';

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
  name: 'anthropic',
  contentType: 'text/event-stream',
  owns: (path) => path === '/v1/messages',
  prompt: promptOf,
  streams: ({ stream }) => stream === true,
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
  tool: (id, _body, _prompt, { name, input }) =>
    [
      event({ type: 'content_block_stop', index: 0 }),
      event({
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'tool_use', id: `toolu_${id}`, name, input: {} },
      }),
      ...(JSON.stringify(input).match(/.{1,9}/g) ?? []).map((partial_json) =>
        event({ type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json } }),
      ),
      event({ type: 'content_block_stop', index: 1 }),
      event({
        type: 'message_delta',
        delta: { stop_reason: 'tool_use', stop_sequence: null },
        usage: { output_tokens: tokensOf(JSON.stringify(input)) },
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

const openAiEnd = (id: number, body: RequestBody, finish: string, usage: () => object): string =>
  [
    openAiDelta(id, body, {}, finish),
    body.stream_options?.include_usage ? data(openAiChunk(id, body, { choices: [], usage: usage() })) : '',
    'data: [DONE]\n\n',
  ].join('');

export const openAiWire: Wire = {
  name: 'openai',
  contentType: 'text/event-stream',
  owns: (path) => path === '/v1/chat/completions',
  prompt: promptOf,
  streams: ({ stream }) => stream === true,
  begin: (id, body) => openAiDelta(id, body, { role: 'assistant', content: '' }, null),
  piece: (id, body, content) => openAiDelta(id, body, { content }, null),
  end: (id, body, prompt, text, finish, cachedTokens) =>
    openAiEnd(id, body, finish, () => openAiUsage(prompt, text, cachedTokens)),
  tool: (id, body, prompt, { name, input }) => {
    const text = JSON.stringify(input);
    const call = (fields: object): string =>
      openAiDelta(id, body, { tool_calls: [{ index: 0, ...fields }] }, null);
    return [
      call({ id: `call_${id}`, type: 'function', function: { name, arguments: '' } }),
      ...(text.match(/.{1,9}/g) ?? []).map((piece) => call({ function: { arguments: piece } })),
      openAiEnd(id, body, 'tool_calls', () => openAiUsage(prompt, text, 0)),
    ].join('');
  },
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
