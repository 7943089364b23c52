import type { ApplicationFailure } from '@temporalio/common';
import type { ModelListing, Quality } from '../../domain/models/catalogue.ts';
import { modelSettings, priceOf } from '../../domain/models/price.ts';
import {
  automatic,
  defaultName,
  idOf,
  isConfigured,
  obstacle,
  parseChoice,
  PROVIDERS,
  type Choice,
  type ModelsConfig,
  type Provider,
} from './choice.ts';
import { createCircuit, type Circuit, type CircuitStatus } from './circuit.ts';
import { modelFailure, toModelFailure } from './errors.ts';
import type { Model } from './model.ts';
import {
  abilitiesOf,
  listModels,
  openLanguage,
  qualityOf,
  redactor,
  SETTINGS,
  type ModelLog,
  type Surroundings,
} from './open.ts';
import { OPENAI_URL } from './providers/openai.ts';

const LIST_MS = 10_000;

export interface ModelStatus {
  id: string;
  provider: string;
  quality: Quality;
  available: boolean;
  /** Whether a call that names no model gets this one. */
  chosen: boolean;
  /** What to change; there when not available. */
  reason?: string;
  /** Of the provider, as this process sees it. */
  circuit: CircuitStatus;
}

/** What one provider said of its models. */
export interface ProviderModels {
  provider: string;
  models: readonly ModelListing[];
  /** Why there are none; null when the provider answered. */
  error: string | null;
}

export interface Models {
  /**
   * @param id `provider:name`, or a provider alone for its default; without one, the configured model
   * @throws ApplicationFailure `model_not_configured` that names the setting to change
   */
  resolve(id?: string): Promise<Model>;
  /** One row per provider, in the order in which they are chosen. */
  status(): ModelStatus[];
  /**
   * Asks every configured provider for its models, all at once, for up to ten seconds each.
   * @throws the signal's reason when it was aborted; a provider that fails is a row with its error
   */
  list(signal?: AbortSignal): Promise<readonly ProviderModels[]>;
  /** Ends the local model's process; calls in flight on it fail as `model_unavailable`. */
  close(): Promise<void>;
}

export interface ModelsOptions {
  log: ModelLog;
  /** Where OpenAI itself answers; tests put a double there. */
  openAiUrl?: string;
  /** Milliseconds that a provider is left alone after an outage; half a minute when left out. */
  circuitOpenMs?: number;
}

const notConfigured = (message: string): ApplicationFailure => modelFailure('model_not_configured', message);

const toModel = (
  choice: Choice,
  chosenId: string | null,
  config: ModelsConfig,
  parts: Pick<Model, 'language' | 'circuit'>,
): Model => ({
  id: idOf(choice),
  provider: choice.provider,
  name: choice.name,
  quality: qualityOf(choice, config),
  abilities: abilitiesOf(choice, config),
  price: priceOf({ ...choice, id: idOf(choice) }, modelSettings(config.models, chosenId))?.price ?? null,
  setting: SETTINGS[choice.provider],
  redact: redactor(choice.provider, config),
  idleMs: config.models.idleMs,
  ...parts,
});

const statusOf = (choice: Choice, chosen: boolean, circuit: Circuit, config: ModelsConfig): ModelStatus => {
  const reason = obstacle(choice, config);
  return {
    id: idOf(choice),
    provider: choice.provider,
    quality: qualityOf(choice, config),
    available: reason === null,
    chosen,
    ...(reason === null ? {} : { reason }),
    circuit: circuit.status(),
  };
};

const listOne = async (
  choice: Choice,
  around: Surroundings,
  signal: AbortSignal | undefined,
): Promise<ProviderModels> => {
  const { provider } = choice;
  const { config } = around;
  // Which of its models is meant does not matter to a list; the local model is its file.
  const reason = obstacle(provider === 'local' ? choice : { provider, name: choice.name || '*' }, config);
  if (reason !== null) return { provider, models: [], error: reason };
  const limit = AbortSignal.timeout(LIST_MS);
  try {
    const models = await listModels(choice, around, signal ? AbortSignal.any([signal, limit]) : limit);
    return { provider, models, error: null };
  } catch (error) {
    signal?.throwIfAborted();
    const failing = { id: provider, setting: SETTINGS[provider], redact: redactor(provider, config) };
    return { provider, models: [], error: toModelFailure(error, failing).message };
  }
};

/** One circuit per provider, made when it is first asked for. */
const createCircuits = (log: ModelLog, openMs: number | undefined): ((provider: Provider) => Circuit) => {
  const circuits = new Map<Provider, Circuit>();
  return (provider) => {
    const known = circuits.get(provider);
    if (known) return known;
    const circuit = createCircuit({
      ...(openMs === undefined ? {} : { openMs }),
      onChange: (state) => log.warn({ provider, state }, 'circuit of a model provider'),
    });
    circuits.set(provider, circuit);
    return circuit;
  };
};

/** The models of this process, from its configuration. Nothing is contacted or loaded before the first call. */
export const createModels = (config: ModelsConfig, options: ModelsOptions): Models => {
  const { log, openAiUrl = OPENAI_URL, circuitOpenMs } = options;
  const around: Surroundings = { config, log, openAiUrl };
  const resolved = new Map<string, Model>();
  const closers: (() => Promise<void>)[] = [];
  const circuitOf = createCircuits(log, circuitOpenMs);
  const defaultId = config.models.chosen ?? automatic(config);
  const chosen = parseChoice(defaultId, config);

  const open = (choice: Choice): Model => {
    const { language, close } = openLanguage(choice, around);
    if (close) closers.push(close);
    const model = toModel(choice, chosen ? idOf(chosen) : null, config, {
      language,
      circuit: circuitOf(choice.provider),
    });
    resolved.set(model.id, model);
    log.info({ model: model.id, quality: model.quality }, 'model ready');
    return model;
  };

  const choiceOf = (provider: Provider): Choice =>
    chosen?.provider === provider ? chosen : { provider, name: defaultName(provider, config) };

  return {
    resolve: async (id = defaultId) => {
      const choice = parseChoice(id, config);
      if (!choice)
        throw notConfigured(
          `"${id}" names no known model provider: TASKLOOM_MODEL is provider:name, with the provider anthropic, openai, google, ollama or local`,
        );
      const reason = obstacle(choice, config);
      if (reason !== null) throw notConfigured(reason);
      return resolved.get(idOf(choice)) ?? open(choice);
    },
    status: () =>
      PROVIDERS.filter((provider) => provider !== 'scripted' || config.environment === 'test').map(
        (provider) =>
          statusOf(choiceOf(provider), chosen?.provider === provider, circuitOf(provider), config),
      ),
    list: (signal) =>
      Promise.all(
        PROVIDERS.filter((provider) => isConfigured(provider, config)).map((provider) =>
          listOne(choiceOf(provider), around, signal),
        ),
      ),
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  };
};
