import type { Express, RequestHandler } from 'express';
import { middleware } from 'express-openapi-validator';
import type { Authorizer } from '../auth/authorizer.ts';
import { limitedAuthorizer } from '../limits/guard.ts';
import type { Limits } from '../limits/limits.ts';
import type { AuthorizeWebhook } from '../auth/webhook-tokens.ts';
import { adapt, type AdapterDeps } from './adapt.ts';
import { operationOf } from './matched.ts';
import { listOperations, withoutKeys, withoutWords, type SpecDocument } from './spec.ts';
import { isWarming, warmedUp } from './warm.ts';

export interface SpecServerDeps extends AdapterDeps {
  readonly spec: SpecDocument;
  readonly handlers: Record<string, (...args: never[]) => Promise<unknown>>;
  readonly authorizer: Authorizer;
  readonly limits: Limits;
  readonly authorizeWebhook: AuthorizeWebhook;
  readonly validateResponses: boolean;
}

/** @throws Error that names the operations without a handler, and the handlers without an operation. */
const requireSameSet = (operations: readonly string[], handlers: readonly string[]): void => {
  const missing = operations.filter((id) => !handlers.includes(id));
  const unknown = handlers.filter((id) => !operations.includes(id));
  if (missing.length + unknown.length > 0)
    throw new Error(
      `openapi.yaml and the handlers differ. Without a handler: ${missing.join(', ') || 'none'}. Without an operation: ${unknown.join(', ') || 'none'}.`,
    );
};

/** Calls the operation that the validator has found: no second router looks for it. */
const dispatcher =
  (adapted: ReadonlyMap<string, RequestHandler>, limits: Limits): RequestHandler =>
  async (req, res, next) => {
    if (isWarming(req)) return warmedUp(res);
    const { operationId, 'x-limit-class': limitClass } = operationOf(req).schema;
    const refused = await limits.charge(req, res, limitClass);
    if (refused) throw refused;
    return adapted.get(operationId)?.(req, res, next);
  };

/**
 * Serves every operation of the spec: finds it, authorizes, coerces, validates, calls its handler, validates the answer.
 * @throws Error when the spec and the handler map differ: the server does not start then.
 */
export const mountSpec = (app: Express, deps: SpecServerDeps): void => {
  const operations = listOperations(deps.spec);
  requireSameSet(
    operations.map(({ facts }) => facts.id),
    Object.keys(deps.handlers),
  );
  const adapted = new Map<string, RequestHandler>(
    operations.map(({ facts }) => [facts.id, adapt(deps.handlers[facts.id] as never, facts, deps)]),
  );
  const openToKeys = new Set(operations.flatMap(({ facts }) => (facts.takesKeys ? [facts.id] : [])));
  const takesKeys = (req: object): boolean => openToKeys.has(operationOf(req).schema.operationId);
  const authorizer = limitedAuthorizer(deps.authorizer, deps.limits);
  app.use(
    middleware({
      apiSpec: withoutWords(withoutKeys(deps.spec)),
      validateApiSpec: false,
      validateRequests: { allowUnknownQueryParameters: false, coerceTypes: false },
      validateResponses: deps.validateResponses ? { removeAdditional: false } : false,
      validateSecurity: {
        handlers: {
          bearer: (req, scopes) => isWarming(req) || authorizer.authorize(req, scopes, takesKeys(req)),
          webhookToken: (req) => isWarming(req) || deps.authorizeWebhook(req),
        },
      },
      fileUploader: false,
    }),
    dispatcher(adapted, deps.limits),
  );
};
