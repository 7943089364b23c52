import type { LanguageModelV4 } from '@ai-sdk/provider';
import { wrapLanguageModel } from 'ai';

/** The model, thinking as little as it can: thinking counts against the output tokens, and our calls ask for short texts. */
export const lessThinking = (model: LanguageModelV4): LanguageModelV4 =>
  wrapLanguageModel({
    model,
    middleware: {
      specificationVersion: 'v4',
      transformParams: ({ params }) => Promise.resolve({ ...params, reasoning: params.reasoning ?? 'none' }),
    },
  });
