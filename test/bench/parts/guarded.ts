import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createAuthorizer, type Authorizer } from '../../../api/auth/authorizer.ts';
import { createWebhookAuthorizer } from '../../../api/auth/webhook-tokens.ts';
import { createApiContext } from '../../../api/context.ts';
import { createHandlers } from '../../../api/handlers.ts';
import { errorHandler } from '../../../api/http/errors.ts';
import { mountSpec } from '../../../api/http/openapi.ts';
import { identify, requestOf } from '../../../api/http/request.ts';
import { loadSpec } from '../../../api/http/spec.ts';
import type { UserPrincipal } from '../../../domain/identity/principal.ts';
import { loadConfig } from '../../../platform/config.ts';
import { createLogger } from '../../../platform/logger.ts';
import { Shutdown } from '../../../platform/shutdown.ts';
import type { PartHandle } from '../child.ts';

export interface GuardedSettings {
  readonly env: Record<string, string>;
  /** Whose requests are answered where nobody is asked who they are. */
  readonly token: string;
  readonly identity: boolean;
}

/** Takes everybody for the same person. */
const everybodyIs = (principal: UserPrincipal): Authorizer => ({
  authorize: async (req) => {
    requestOf(req).principal = principal;
    return true;
  },
});

/**
 * The operations of the API with some of their guards left out: sign-in and scopes by `identity`, limits by their settings,
 * row security by the database's role. A composition of the bench only: the product has no such switch.
 */
export const openGuarded = async ({ env, token, identity }: GuardedSettings): Promise<PartHandle> => {
  Object.assign(process.env, env);
  const config = loadConfig();
  const log = createLogger('bench-api', config.logLevel);
  const shutdown = new Shutdown(log);
  const { handlers, sessions, limits, siteWorkspaceId, administration, rightsChanged } =
    await createApiContext({ config, log, shutdown });
  const session = await sessions.find(token);
  if (!session) throw new Error('the token of the bench is not valid');
  const app = express();
  app.use(identify(log), express.json());
  mountSpec(app, {
    spec: loadSpec(),
    handlers: createHandlers(handlers),
    authorizer: identity ? createAuthorizer(sessions) : everybodyIs(session.principal),
    limits,
    validateResponses: false,
    store: handlers.store,
    siteWorkspaceId,
    administration,
    rightsChanged,
    authorizeWebhook: createWebhookAuthorizer(handlers.store),
  });
  app.use(limits.onError, errorHandler);
  const server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    answer: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await shutdown.run();
    },
  };
};
