import type { LimitClass } from '../../domain/limits/rate.ts';

/** What the validator found out about a request: the operation of the spec and the path's parameters, coerced. */
export interface Matched {
  readonly openApiRoute: string;
  readonly pathParams: Record<string, unknown>;
  readonly schema: {
    readonly operationId: string;
    readonly 'x-limit-class': LimitClass;
    readonly responses?: Record<string, unknown>;
  };
}

/** `undefined` for a request that no operation of the spec matches. */
export const maybeOperationOf = (req: object): Matched | undefined => (req as { openapi?: Matched }).openapi;

/** @throws Error for a request that no operation of the spec matches. */
export const operationOf = (req: object): Matched => {
  const matched = maybeOperationOf(req);
  if (!matched) throw new Error('the request was not matched to an operation');
  return matched;
};
