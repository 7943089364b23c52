import type { Request, Response } from 'express';
import type { Authorizer } from '../auth/authorizer.ts';
import { operationOf } from '../http/matched.ts';
import { requestOf } from '../http/request.ts';
import type { Limits } from './limits.ts';

const presentsCredential = (req: Request): boolean =>
  req.get('authorization') !== undefined || req.get('x-api-key') !== undefined;

/**
 * An authorizer that counts its callers: the one whom it knows for the operation, and a credential that nobody has for the
 * address that shows it. One that is valid costs no more than the counting in this process.
 */
export const limitedAuthorizer = (authorizer: Authorizer, limits: Limits): Authorizer => {
  const charge = async (req: Request): Promise<void> => {
    if (!requestOf(req).principal) return;
    const { 'x-limit-class': limitClass } = operationOf(req).schema;
    const refused = await limits.charge(req, req.res as Response, limitClass);
    if (refused) throw refused;
  };
  return {
    authorize: async (req, scopes, takesKeys) => {
      const failure = await authorizer.authorize(req, scopes, takesKeys).then(
        () => undefined,
        (error: Error & { readonly status?: number }) => error,
      );
      await charge(req);
      if (!failure) return true;
      const isUnknown = failure.status === 401 && presentsCredential(req);
      throw (isUnknown ? await limits.badCredential(req) : undefined) ?? failure;
    },
  };
};
