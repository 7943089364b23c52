import { afterEach } from '@jest/globals';
import type { DoubleCall } from '../../test/doubles/model-double.ts';
import { modelConformance } from './models.testsuite.ts';
import { at, closeModels, models } from './subject.testsuite.ts';

const KEY = 'sk-test-0123456789abcdef';
const PLAIN_KEY = 'a key without a shape';
/** Short, so that the suite can wait for the end of the pause. */
const circuitOpenMs = 300;

afterEach(closeModels);

const lastMessage = ({ body }: DoubleCall): unknown => body.messages.at(-1);

modelConformance('anthropic', {
  model: (url) => models({ circuitOpenMs, anthropic: { apiKey: KEY, baseUrl: url } }).resolve(),
  key: KEY,
  authorization: KEY,
  setting: 'ANTHROPIC_API_KEY',
  countsCache: true,
  limit: ({ body }) => body['max_tokens'],
  schema: ({ body }) => at(body, 'output_config', 'format', 'schema'),
  toolResult: lastMessage,
});

modelConformance('openai', {
  model: (url) =>
    models({ circuitOpenMs, openai: { apiKey: KEY, baseUrl: null }, openAiUrl: `${url}/v1` }).resolve(),
  key: KEY,
  authorization: `Bearer ${KEY}`,
  setting: 'OPENAI_API_KEY',
  countsCache: true,
  limit: ({ body }) => body['max_completion_tokens'],
  schema: ({ body }) => at(body, 'response_format', 'json_schema', 'schema'),
  toolResult: lastMessage,
});

modelConformance('openai-compatible', {
  model: (url) =>
    models({
      circuitOpenMs,
      chosen: 'openai:llama3:8b',
      openai: { apiKey: PLAIN_KEY, baseUrl: `${url}/v1` },
    }).resolve(),
  key: PLAIN_KEY,
  authorization: `Bearer ${PLAIN_KEY}`,
  setting: 'OPENAI_API_KEY',
  countsCache: true,
  limit: ({ body }) => body['max_tokens'],
  toolResult: lastMessage,
});

modelConformance('google', {
  model: (url) => models({ circuitOpenMs, google: { apiKey: PLAIN_KEY, baseUrl: url } }).resolve(),
  key: PLAIN_KEY,
  authorization: PLAIN_KEY,
  setting: 'GOOGLE_GENERATIVE_AI_API_KEY',
  countsCache: true,
  limit: ({ body }) => at(body, 'generationConfig', 'maxOutputTokens'),
  schema: ({ body }) => at(body, 'generationConfig', 'responseJsonSchema'),
  toolResult: ({ body }) => at(body, 'contents', 2),
});

modelConformance('ollama', {
  model: (url) => models({ circuitOpenMs, chosen: 'ollama:qwen3:4b', ollama: { host: url } }).resolve(),
  key: null,
  authorization: undefined,
  setting: 'OLLAMA_HOST',
  countsCache: false,
  limit: ({ body }) => at(body, 'options', 'num_predict'),
  schema: ({ body }) => body['format'],
  toolResult: lastMessage,
});
