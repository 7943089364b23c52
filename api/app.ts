import cors from 'cors';
import express, { type Express } from 'express';
import helmet from 'helmet';
import type { Config } from '../platform/config.ts';
import type { Log } from '../platform/logger.ts';
import type { Administration } from '../store/administration.ts';
import { keyHeader } from './auth/api-keys.ts';
import { createAuthorizer } from './auth/authorizer.ts';
import type { Sessions } from './auth/sessions.ts';
import { createWebhookAuthorizer } from './auth/webhook-tokens.ts';
import { createHandlers, type HandlerDeps } from './handlers.ts';
import { errorHandler } from './http/errors.ts';
import { mountSpec } from './http/openapi.ts';
import { RATE_HEADERS } from './limits/headers.ts';
import type { Limits } from './limits/limits.ts';
import { headAsGet, identify, trimTrailingSlash } from './http/request.ts';
import { listOperations, loadSpec, readSpecText, type SpecOperation } from './http/spec.ts';
import { createDocsRouter } from './site/docs.router.ts';
import { createSiteRouter } from './site/site.router.ts';

export interface AppDeps {
  readonly config: Config;
  readonly log: Log;
  readonly sessions: Sessions;
  readonly limits: Limits;
  readonly handlers: HandlerDeps;
  readonly siteWorkspaceId: () => Promise<string>;
  readonly administration: Administration;
  readonly rightsChanged: () => void;
}

/** The API and the site as one Express app. @throws Error when the spec and the handlers differ. */
export const createApp = (deps: AppDeps): { app: Express; operations: SpecOperation[] } => {
  const { config, log, handlers, siteWorkspaceId } = deps;
  const { http } = config;
  const spec = loadSpec();
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.use(identify(log), handlers.metrics.observe, trimTrailingSlash, keyHeader);
  app.use(createDocsRouter({ specJson: () => spec, specYaml: readSpecText }));
  app.use(createSiteRouter({ store: handlers.store, siteWorkspaceId, publicUrl: http.publicUrl }));
  app.use(
    helmet({ contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } } }),
  );
  app.use(
    cors({
      origin: http.corsOrigins,
      exposedHeaders: ['X-Request-Id', 'Idempotency-Replayed', 'Retry-After', 'ETag', ...RATE_HEADERS],
    }),
  );
  app.use('/media', headAsGet);
  app.use(express.json({ limit: http.bodyLimitBytes, strict: true }));
  mountSpec(app, {
    spec,
    handlers: createHandlers(handlers),
    authorizer: createAuthorizer(deps.sessions),
    limits: deps.limits,
    authorizeWebhook: createWebhookAuthorizer(handlers.store),
    validateResponses: http.validateResponses,
    store: handlers.store,
    siteWorkspaceId,
    administration: deps.administration,
    rightsChanged: deps.rightsChanged,
  });
  app.use(deps.limits.onError, errorHandler);
  return { app, operations: listOperations(spec) };
};
