import type {
  LanguageModelV4Content,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';

/** Reads a model's stream to its end, for callers that want the answer at once. @throws what the stream carries as an error. */
export const collect = async (
  stream: ReadableStream<LanguageModelV4StreamPart>,
): Promise<LanguageModelV4GenerateResult> => {
  let text = '';
  const calls: LanguageModelV4Content[] = [];
  for await (const part of stream) {
    if (part.type === 'text-delta') text += part.delta;
    else if (part.type === 'tool-call') calls.push(part);
    else if (part.type === 'error') throw part.error;
    else if (part.type === 'finish') {
      const { finishReason, usage } = part;
      return {
        content: text === '' ? calls : [{ type: 'text', text }, ...calls],
        finishReason,
        usage,
        warnings: [],
      };
    }
  }
  throw new Error('the answer was cut short');
};
