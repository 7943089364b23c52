import type { Client } from '@temporalio/client';
import { cached } from '../platform/cached.ts';
import type { Config } from '../platform/config.ts';
import { createOllamaClient } from '../platform/ollama.ts';
import { openFiles } from '../platform/files.ts';
import type { ProcessParts } from '../platform/process.ts';
import { temporalSettings } from '../platform/temporal/connect.ts';
import { VERSION } from '../platform/version.ts';
import { createWebhookSender } from '../platform/webhook-sender.ts';
import { findWorkspaceId } from '../store/identity/identity.repository.ts';
import { readSystemTotals } from '../store/observability/totals.ts';
import { openSpine } from '../store/spine.ts';
import type { Store } from '../store/store.ts';
import type { AppDeps } from './app.ts';
import { createNotifier } from '../platform/notify.ts';
import { openIdentity } from './auth/identity.ts';
import { ProviderFlows } from './auth/provider-flows.ts';
import { createProviders } from './auth/providers/providers.ts';
import { configuredAbilities } from './features/orchestrator/abilities.ts';
import { createMetrics } from './features/observability/metrics.ts';
import { createProbes, type Probe } from './features/observability/probes.ts';
import { openLimits } from './limits/open.ts';
import { Live } from './live/live.ts';

/** Where Ollama listens on this machine; nothing is configured, so it may well not be there. */
const OLLAMA_AT_HOME = '127.0.0.1:11434';

/** Temporal's Web UI for this namespace, where it is known. */
const namespaceUrl = (config: Config): string | null =>
  config.temporal.uiUrl === null
    ? null
    : `${config.temporal.uiUrl.replace(/\/$/, '')}/namespaces/${temporalSettings().namespace}`;

const probes = (store: Store, client: Client, queue: string): Probe[] => [
  {
    name: 'postgresql',
    needed: true,
    look: async () => {
      await store.pool.query('select 1');
      return undefined;
    },
  },
  {
    name: 'temporal',
    needed: false,
    look: async () => {
      const { serverVersion } = await client.workflowService.getSystemInfo({});
      return serverVersion ? `server ${serverVersion}` : undefined;
    },
  },
  {
    name: 'workers',
    needed: false,
    look: async () => {
      const { pollers } = await client.workflowService.describeTaskQueue({
        namespace: client.options.namespace,
        taskQueue: { name: queue },
        taskQueueType: 1,
      });
      if (!pollers?.length) throw new Error('no worker polls: start one with `npm run worker`');
      return `${pollers.length} polling`;
    },
  },
];

/** The site's workspace by its slug, looked up once it exists. @throws Error that names the setting. */
const siteWorkspace = (store: Store, slug: string): (() => Promise<string>) => {
  let found: string | undefined;
  return async () => {
    found ??= await findWorkspaceId(store, slug);
    if (!found) throw new Error(`There is no workspace "${slug}" (TASKLOOM_SITE_WORKSPACE)`);
    return found;
  };
};

/** Opens all that the API process needs and registers how to close it. */
export const createApiContext = async (parts: ProcessParts): Promise<AppDeps & { live: Live }> => {
  const { config, log, shutdown } = parts;
  const spine = await openSpine('api', parts);
  const { store, system, administration, bus, client, logLevel } = spine;
  const totals = cached(() => readSystemTotals(system));
  let live: Live | undefined;
  const subscriptions = (): number => live?.size ?? 0;
  const metrics = createMetrics(totals, subscriptions);
  const { limits, guesses, announceLifted } = openLimits({ ...parts, store, bus, count: metrics });
  const identity = openIdentity(config, spine, guesses);
  const { sessions, rightsChanged } = identity;
  live = new Live(store, bus, sessions);
  shutdown.add('live', () => live.close());
  return {
    config,
    log,
    sessions,
    live,
    limits,
    siteWorkspaceId: siteWorkspace(store, config.siteWorkspace),
    administration,
    rightsChanged,
    handlers: {
      store,
      files: openFiles(config.files),
      ...identity,
      administration,
      providers: createProviders(config),
      providerFlows: new ProviderFlows({
        administration,
        isSecure: config.http.publicUrl.startsWith('https:'),
      }),
      codeOnly: config.providers.github?.codeOnly ?? false,
      notify: createNotifier(config, log),
      registration: config.registration,
      guesses,
      announceLifted,
      live,
      ollama: createOllamaClient(config.models.ollama.host ?? OLLAMA_AT_HOME),
      abilities: configuredAbilities(config),
      totals,
      subscriptions,
      logLevel,
      secretKey: config.secretKey,
      checksAnswers: config.http.validateResponses,
      version: VERSION,
      environment: config.environment,
      publicUrl: config.http.publicUrl,
      sender: createWebhookSender(config),
      webhookTimeScale: config.webhooks.timeScale,
      uiUrl: namespaceUrl(config),
      probe: createProbes(probes(store, client, `${config.temporal.queuePrefix}control`)),
      metrics,
    },
  };
};
