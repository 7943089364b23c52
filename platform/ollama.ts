/** Ollama's own HTTP API, apart from generating text: what it is, what it holds, what it has loaded. */

const DEFAULT_PORT = 11434;
const ASK_MS = 5_000;
/** Loading tens of gigabytes from a slow disk takes minutes. */
const LOAD_MS = 5 * 60_000;
const KEEP_LOADED = '30m';

/** Nothing answered at Ollama's address in time, or what answered is not Ollama. */
export class OllamaAway extends Error {
  override readonly name = 'OllamaAway';
}

/** Ollama answered, and refused: `status` is its HTTP status (404 for a model that it does not hold). */
export class OllamaRefused extends Error {
  override readonly name = 'OllamaRefused';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A model on Ollama's disk. `null`: this version of Ollama does not say. */
export interface OllamaModel {
  readonly name: string;
  readonly sizeBytes: number | null;
  /** In Ollama's words, such as `8.0B`. */
  readonly parameterSize: string | null;
  /** The same as a number, as exact as the words are. */
  readonly parameters: number | null;
  readonly quantization: string | null;
  readonly family: string | null;
  /** ISO 8601. */
  readonly modifiedAt: string | null;
}

/** A model in Ollama's memory. */
export interface OllamaRunning {
  readonly name: string;
  readonly sizeBytes: number | null;
  /** The part of `sizeBytes` that lies in a graphics card's memory. */
  readonly vramBytes: number | null;
  /** Tokens that this loaded copy was given room for. */
  readonly contextLength: number | null;
  /** ISO 8601: when Ollama unloads it, if nobody asks before. */
  readonly expiresAt: string | null;
}

export interface OllamaDetails {
  readonly name: string;
  /** Tokens that the weights were made for. */
  readonly contextLength: number | null;
  readonly parameters: number | null;
  readonly quantization: string | null;
  readonly family: string | null;
  /** In Ollama's words: `completion`, `tools`, `vision`, `embedding`, `thinking`; null from versions before 0.6.4. */
  readonly capabilities: readonly string[] | null;
}

/** Each call throws {@link OllamaAway}, {@link OllamaRefused}, or the signal's reason when it was aborted. */
export interface OllamaClient {
  /** Without a slash at its end. */
  readonly url: string;
  version(signal?: AbortSignal): Promise<string>;
  listModels(signal?: AbortSignal): Promise<OllamaModel[]>;
  runningModels(signal?: AbortSignal): Promise<OllamaRunning[]>;
  /** @returns null for a model that Ollama does not hold. */
  show(name: string, signal?: AbortSignal): Promise<OllamaDetails | null>;
  /** Loads a model into memory for half an hour. @returns once it is loaded, after up to five minutes. */
  warmUp(name: string, signal?: AbortSignal): Promise<{ readonly name: string; readonly tookMs: number }>;
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const textOrNull = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null;
const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null);

const UNITS: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, B: 1e9, T: 1e12 };

const parametersOf = (words: string | null): number | null => {
  const [, count, unit] = /^([\d.]+)([KMBT])$/i.exec(words ?? '') ?? [];
  return count && unit ? Math.round(Number(count) * (UNITS[unit.toUpperCase()] ?? 1)) : null;
};

/**
 * Where to call an Ollama that `OLLAMA_HOST` was set for, in each of the spellings that Ollama itself takes: a host, a
 * port, both, a URL. A server's address for all interfaces is called on this machine.
 * @returns the address without a slash at its end, or null for a spelling that names no address
 */
export const ollamaUrl = (host: string): string | null => {
  const plain = host.trim().replace(/^["']|["']$/g, '');
  const [, scheme, rest = ''] = /^(?:(https?):\/\/)?(.*)$/i.exec(plain) ?? [];
  const bare = /^[\da-f]*:[\da-f]*:[\da-f:]*$/i.test(rest) ? `[${rest}]` : rest;
  const address = `${scheme ?? 'http'}://${bare.startsWith(':') ? `127.0.0.1${bare}` : bare || '127.0.0.1'}`;
  if (!URL.canParse(address) || (scheme === undefined && plain.includes('://'))) return null;
  const url = new URL(address);
  if (scheme === undefined && !/:\d+(\/|$)/.test(bare)) url.port = String(DEFAULT_PORT);
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1';
  if (url.hostname === '[::]') url.hostname = '[::1]';
  return url.href.replace(/\/+$/, '');
};

const refusal = (text: string): string | null => {
  try {
    return textOrNull(fieldsOf(JSON.parse(text))['error'])?.slice(0, 300) ?? null;
  } catch {
    return null;
  }
};

/** Asks Ollama and reads its JSON object; the body's words become the error's. */
const ask = async (
  url: string,
  body: object | undefined,
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<Fields> => {
  signal?.throwIfAborted();
  const limit = AbortSignal.timeout(limitMs);
  try {
    const response = await fetch(url, {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    const text = await response.text();
    const answer = response.ok ? (JSON.parse(text) as unknown) : undefined;
    if (response.ok) return fieldsOf(answer);
    throw new OllamaRefused(response.status, refusal(text) ?? `Ollama answered HTTP ${response.status}`);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof OllamaRefused) throw error;
    if (limit.aborted) throw new OllamaAway(`Ollama at ${url} did not answer within ${limitMs / 1000} s`);
    if (error instanceof SyntaxError) throw new OllamaAway(`What answers at ${url} is not Ollama`);
    throw new OllamaAway(`Ollama is not reachable at ${url}: check OLLAMA_HOST`);
  }
};

const namedOf = (answer: Fields): { name: string; fields: Fields; details: Fields }[] => {
  const models: unknown = answer['models'];
  return (Array.isArray(models) ? models : []).flatMap((model: unknown) => {
    const fields = fieldsOf(model);
    const name = textOrNull(fields['name']) ?? textOrNull(fields['model']);
    return name === null ? [] : [{ name, fields, details: fieldsOf(fields['details']) }];
  });
};

const toModel = ({ name, fields, details }: ReturnType<typeof namedOf>[number]): OllamaModel => {
  const parameterSize = textOrNull(details['parameter_size']);
  return {
    name,
    sizeBytes: numberOrNull(fields['size']),
    parameterSize,
    parameters: parametersOf(parameterSize),
    quantization: textOrNull(details['quantization_level']),
    family: textOrNull(details['family']),
    modifiedAt: textOrNull(fields['modified_at']),
  };
};

const toRunning = ({ name, fields }: ReturnType<typeof namedOf>[number]): OllamaRunning => ({
  name,
  sizeBytes: numberOrNull(fields['size']),
  vramBytes: numberOrNull(fields['size_vram']),
  contextLength: numberOrNull(fields['context_length']),
  expiresAt: textOrNull(fields['expires_at']),
});

/** The length stands under the architecture's own name, such as `llama.context_length`. */
const contextLengthOf = (info: Fields): number | null =>
  numberOrNull(info[`${String(info['general.architecture'])}.context_length`]);

const toDetails = (name: string, answer: Fields): OllamaDetails => {
  const details = fieldsOf(answer['details']);
  const info = fieldsOf(answer['model_info']);
  const capabilities: unknown = answer['capabilities'];
  return {
    name,
    contextLength: contextLengthOf(info),
    parameters:
      numberOrNull(info['general.parameter_count']) ?? parametersOf(textOrNull(details['parameter_size'])),
    quantization: textOrNull(details['quantization_level']),
    family: textOrNull(details['family']),
    capabilities: Array.isArray(capabilities)
      ? capabilities.filter((word): word is string => typeof word === 'string')
      : null,
  };
};

/**
 * A client of the Ollama at `host`. Nothing is contacted before the first call.
 * @param host as `OLLAMA_HOST` is spelt (see {@link ollamaUrl})
 * @throws Error naming OLLAMA_HOST when it names no address
 */
export const createOllamaClient = (host: string): OllamaClient => {
  const url = ollamaUrl(host);
  if (url === null) throw new Error(`OLLAMA_HOST must be an address like 127.0.0.1:11434, but is "${host}"`);
  const at = (path: string): string => `${url}${path}`;
  return {
    url,
    version: async (signal) => {
      const version = textOrNull((await ask(at('/api/version'), undefined, ASK_MS, signal))['version']);
      if (version === null) throw new OllamaAway(`What answers at ${url} is not Ollama`);
      return version;
    },
    listModels: async (signal) => namedOf(await ask(at('/api/tags'), undefined, ASK_MS, signal)).map(toModel),
    runningModels: async (signal) =>
      namedOf(await ask(at('/api/ps'), undefined, ASK_MS, signal)).map(toRunning),
    show: async (name, signal) => {
      try {
        return toDetails(name, await ask(at('/api/show'), { model: name }, ASK_MS, signal));
      } catch (error) {
        if (error instanceof OllamaRefused && error.status === 404) return null;
        throw error;
      }
    },
    warmUp: async (name, signal) => {
      const startedMs = performance.now();
      // Without a prompt Ollama only loads the model.
      const body = { model: name, stream: false, keep_alive: KEEP_LOADED };
      await ask(at('/api/generate'), body, LOAD_MS, signal);
      return { name, tookMs: Math.round(performance.now() - startedMs) };
    },
  };
};
