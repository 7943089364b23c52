/** What all vendors' wires have in common: the model double writes them by this interface. */

interface Message {
  role: string;
  content: string | { type: string; text?: string }[];
}

export interface RequestBody {
  /** Google names it in the path instead. */
  model: string;
  messages: Message[];
  /** Anthropic's place for the system text; OpenAI's is a message. */
  system?: Message['content'];
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  [field: string]: unknown;
}

export interface ToolUse {
  name: string;
  input: object;
}

export interface Wire {
  readonly name: 'anthropic' | 'openai' | 'google' | 'ollama';
  /** Of a streamed answer. */
  readonly contentType: string;
  /** Whether the path of a request belongs to this wire, and whether it asks for a stream by it. */
  owns(path: string): boolean;
  prompt(body: RequestBody): string;
  streams(body: RequestBody, path: string): boolean;
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
  /** A call of a tool and the end of the answer. */
  tool(id: number, body: RequestBody, prompt: string, use: ToolUse): string;
  errorEvent(type: string, message: string): string;
  /** The body of an answer that was not asked to stream. */
  whole(id: number, body: RequestBody, prompt: string, text: string): object;
  error(status: number, message: string, code: string | undefined): object;
}

const textOf = (content: Message['content']): string =>
  typeof content === 'string' ? content : content.map(({ text }) => text ?? '').join('\n');

/** The system text and all messages of a request, the same text for the formats that have messages. */
export const promptOf = ({ system, messages }: RequestBody): string =>
  [...(system === undefined ? [] : [system]), ...messages.map(({ content }) => content ?? '')]
    .map(textOf)
    .join('\n');

/** A stand-in for the vendors' tokenizers: tests only need numbers that follow the text. */
export const tokensOf = (text: string): number => Math.ceil(text.length / 4);
