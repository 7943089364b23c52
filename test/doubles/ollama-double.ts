/** An Ollama on loopback: its list, its memory and its details of models as they are on the wire (see ollama's docs/api.md). */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface DoubledModel {
  readonly name: string;
  readonly size?: number;
  readonly parameterSize?: string;
  readonly parameterCount?: number;
  readonly quantization?: string;
  readonly contextLength?: number;
  readonly capabilities?: readonly string[];
}

export interface OllamaDouble {
  /** `127.0.0.1:port`, as OLLAMA_HOST takes it. */
  readonly host: string;
  /** Method and path of each request, such as `GET /api/tags`. */
  readonly requests: readonly string[];
  /** Names of the models that were loaded, in order. */
  readonly loaded: readonly string[];
  /** How many requests are open whose answer has not begun. */
  open(): number;
  close(): Promise<void>;
}

export interface OllamaDoubleOptions {
  readonly version?: string;
  readonly models?: readonly DoubledModel[];
  /** Takes each request and never answers. */
  readonly silent?: boolean;
  /** Answers each request with this, as something that is not Ollama would. */
  readonly instead?: { readonly status: number; readonly body: string };
}

const details = ({ parameterSize = '8.0B', quantization = 'Q4_K_M' }: DoubledModel): object => ({
  parent_model: '',
  format: 'gguf',
  family: 'llama',
  families: ['llama'],
  parameter_size: parameterSize,
  quantization_level: quantization,
});

const listed = (model: DoubledModel): object => ({
  name: model.name,
  model: model.name,
  modified_at: '2026-11-04T14:56:49.277302595-07:00',
  size: model.size ?? 4_920_753_328,
  digest: '46e0c10c039e019119339687c3c1757cc81b9da49709a3b3924863ba87ca666e',
  details: details(model),
});

const running = (model: DoubledModel): object => ({
  name: model.name,
  model: model.name,
  size: model.size ?? 4_920_753_328,
  digest: '46e0c10c039e019119339687c3c1757cc81b9da49709a3b3924863ba87ca666e',
  details: details(model),
  expires_at: '2026-11-21T14:38:31.83753-07:00',
  size_vram: 0,
  context_length: 4096,
});

const shown = (model: DoubledModel): object => ({
  modelfile: '',
  template: '{{ .Prompt }}',
  details: details(model),
  model_info: {
    'general.architecture': 'llama',
    'general.parameter_count': model.parameterCount ?? 8_030_261_248,
    'llama.context_length': model.contextLength ?? 131_072,
  },
  capabilities: model.capabilities ?? ['completion', 'tools'],
});

const readBody = async (request: IncomingMessage): Promise<{ model?: string }> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? {} : (JSON.parse(text) as { model?: string });
};

const send = (response: ServerResponse, status: number, body: object): void =>
  void response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify(body));

/** Starts the double on a free port of 127.0.0.1. */
export const startOllamaDouble = async (options: OllamaDoubleOptions = {}): Promise<OllamaDouble> => {
  const { version = '0.12.6', models = [], silent = false, instead } = options;
  const requests: string[] = [];
  const loaded: string[] = [];
  let open = 0;

  const answer = (route: string, name: string | undefined, response: ServerResponse): void => {
    if (instead) return void response.writeHead(instead.status).end(instead.body);
    const model = models.find((one) => one.name === name);
    if (route === 'GET /api/version') return send(response, 200, { version });
    if (route === 'GET /api/tags') return send(response, 200, { models: models.map(listed) });
    if (route === 'GET /api/ps')
      return send(response, 200, { models: models.filter((one) => loaded.includes(one.name)).map(running) });
    if (route !== 'POST /api/show' && route !== 'POST /api/generate')
      return void response.writeHead(404).end('404 page not found');
    if (!model) return send(response, 404, { error: `model '${String(name)}' not found` });
    if (route === 'POST /api/show') return send(response, 200, shown(model));
    loaded.push(model.name);
    return send(response, 200, {
      model: model.name,
      created_at: '2026-11-21T12:00:00.000000Z',
      response: '',
      done: true,
      done_reason: 'load',
    });
  };

  const server = createServer((request, response) => {
    const route = `${request.method} ${request.url}`;
    requests.push(route);
    open += 1;
    response.once('close', () => (open -= 1));
    if (silent) return;
    void readBody(request).then(({ model }) => answer(route, model, response));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    loaded,
    open: () => open,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
