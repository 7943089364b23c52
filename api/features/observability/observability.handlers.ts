import type { SystemTotals } from '../../../store/observability/totals.ts';
import type { components } from '../../generated/openapi.d.ts';
import { defineHandlers, Reply, reply } from '../../http/operation.ts';
import type { Metrics } from './metrics.ts';
import { overall, type Probed } from './probes.ts';

export interface ObservabilityDeps {
  readonly version: string;
  readonly environment: string;
  readonly probe: () => Promise<Probed[]>;
  readonly totals: () => Promise<SystemTotals>;
  readonly metrics: Metrics;
  readonly subscriptions: () => number;
}

const statusOf = (health: { status: string }): 200 | 503 => (health.status === 'unhealthy' ? 503 : 200);

/** Everyone may learn whether a part answers; why not, and how fast, takes a scope. */
const dependencyView = (probed: Probed, inDetail: boolean): components['schemas']['Dependency'] => ({
  name: probed.name,
  status: probed.healthy ? 'healthy' : probed.needed ? 'unhealthy' : 'degraded',
  needed: probed.needed,
  ...(inDetail ? { latency_ms: probed.latencyMs, ...(probed.detail ? { detail: probed.detail } : {}) } : {}),
});

export const observabilityHandlers = (deps: ObservabilityDeps) => {
  const health = (probed: readonly Probed[]): components['schemas']['Health'] => ({
    status: overall(probed),
    service: 'taskloom',
    version: deps.version,
    environment: deps.environment,
    timestamp: new Date().toISOString(),
  });
  const basic = async () => {
    const body = health(await deps.probe());
    return reply(statusOf(body), body);
  };
  const mayKnow = (principal: { scopes: ReadonlySet<string> } | undefined): boolean =>
    principal?.scopes.has('system:read') ?? false;
  const details = async () => {
    const totals = await deps.totals();
    return {
      uptime_seconds: Math.round(process.uptime()),
      memory_bytes: process.memoryUsage().rss,
      outbox: totals.outbox,
      events: totals.events,
      sockets: deps.subscriptions(),
    };
  };
  return defineHandlers({
    getHealth: basic,
    getHealthV1: basic,
    getDetailedHealth: async (_input, { maybePrincipal }) => {
      const probed = await deps.probe();
      const inDetail = mayKnow(maybePrincipal);
      const body = {
        ...health(probed),
        dependencies: probed.map((part) => dependencyView(part, inDetail)),
        // Without the database there are no totals to show; the dependencies say so.
        ...(inDetail && overall(probed) !== 'unhealthy' ? await details() : {}),
      };
      return reply(statusOf(body), body);
    },
    getDependencyHealth: async (_input, { maybePrincipal }) => {
      const probed = await deps.probe();
      const body = {
        status: overall(probed),
        dependencies: probed.map((part) => dependencyView(part, mayKnow(maybePrincipal))),
        timestamp: new Date().toISOString(),
      };
      return reply(statusOf(body), body);
    },
    getMetrics: async () =>
      new Reply({
        body: await deps.metrics.render(),
        headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' },
      }),
  });
};
