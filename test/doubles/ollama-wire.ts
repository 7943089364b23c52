/** Ollama's `/api/chat`, as its docs/api.md prints it: one JSON object a line. */
import { promptOf, tokensOf, type RequestBody, type Wire } from './wire.ts';

const line = ({ model }: RequestBody, fields: object): string =>
  `${JSON.stringify({ model, created_at: '2026-11-21T12:00:00.455798Z', ...fields })}\n`;

const last = (body: RequestBody, prompt: string, text: string, done_reason: string): string =>
  line(body, {
    message: { role: 'assistant', content: '' },
    done: true,
    done_reason,
    total_duration: 4_883_583_458,
    load_duration: 1_334_875,
    prompt_eval_count: tokensOf(prompt),
    prompt_eval_duration: 342_546_000,
    eval_count: tokensOf(text),
    eval_duration: 4_535_599_000,
  });

export const ollamaWire: Wire = {
  name: 'ollama',
  contentType: 'application/x-ndjson',
  owns: (path) => path === '/api/chat',
  prompt: promptOf,
  // Unlike all others, Ollama streams unless it is told not to.
  streams: ({ stream }) => stream !== false,
  begin: () => '',
  piece: (_id, body, content) => line(body, { message: { role: 'assistant', content }, done: false }),
  end: (_id, body, prompt, text, finish) => last(body, prompt, text, finish),
  tool: (_id, body, prompt, { name, input }) =>
    line(body, {
      message: { role: 'assistant', content: '', tool_calls: [{ function: { name, arguments: input } }] },
      done: false,
    }) + last(body, prompt, JSON.stringify(input), 'stop'),
  errorEvent: (_type, message) => `${JSON.stringify({ error: message })}\n`,
  whole: (_id, body, prompt, text) => ({
    ...(JSON.parse(last(body, prompt, text, 'stop')) as object),
    message: { role: 'assistant', content: text },
  }),
  error: (_status, message) => ({ error: message }),
};
