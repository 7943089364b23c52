/** Google's generateContent and streamGenerateContent, as the Gemini API's reference prints them. */
import { tokensOf, type RequestBody, type Wire } from './wire.ts';

interface Content {
  parts?: { text?: string }[];
}

const PATH = /^\/v1beta\/models\/[^/:]+:(stream)?[gG]enerateContent(\?alt=sse)?$/;

const STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
};

const textOf = ({ parts = [] }: Content): string => parts.map(({ text }) => text ?? '').join('\n');

const prompt = (body: RequestBody): string =>
  [body['systemInstruction'], ...((body['contents'] ?? []) as unknown[])]
    .filter((content) => content !== undefined)
    .map((content) => textOf(content as Content))
    .join('\n');

const usage = (asked: string, text: string, cachedTokens: number): object => ({
  promptTokenCount: tokensOf(asked),
  cachedContentTokenCount: cachedTokens,
  candidatesTokenCount: tokensOf(text),
  totalTokenCount: tokensOf(asked) + tokensOf(text),
});

const answer = (id: number, candidate: object, usageMetadata?: object): object => ({
  candidates: [{ index: 0, ...candidate }],
  ...(usageMetadata === undefined ? {} : { usageMetadata }),
  modelVersion: 'gemini-double',
  responseId: `resp_${id}`,
});

const data = (value: object): string => `data: ${JSON.stringify(value)}\r\n\r\n`;
const said = (text: string): object => ({ content: { role: 'model', parts: [{ text }] } });

export const googleWire: Wire = {
  name: 'google',
  contentType: 'text/event-stream',
  owns: (path) => PATH.test(path),
  prompt,
  streams: (_body, path) => path.includes(':streamGenerateContent'),
  begin: () => '',
  piece: (id, _body, text) => data(answer(id, said(text))),
  end: (id, _body, asked, text, finish, cachedTokens) =>
    data(
      answer(
        id,
        { ...said(''), finishReason: finish === 'length' ? 'MAX_TOKENS' : 'STOP' },
        usage(asked, text, cachedTokens),
      ),
    ),
  tool: (id, _body, asked, { name, input }) =>
    data(
      answer(
        id,
        {
          content: { role: 'model', parts: [{ functionCall: { name, args: input } }] },
          finishReason: 'STOP',
        },
        usage(asked, JSON.stringify(input), 0),
      ),
    ),
  errorEvent: (_type, message) => data({ error: { code: 503, message, status: 'UNAVAILABLE' } }),
  whole: (id, _body, asked, text) =>
    answer(id, { ...said(text), finishReason: 'STOP' }, usage(asked, text, 0)),
  error: (status, message) => ({ error: { code: status, message, status: STATUS[status] ?? 'UNKNOWN' } }),
};
