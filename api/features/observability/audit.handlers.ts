import { invalid } from '../../../domain/errors.ts';
import { auditListing, redactEntry } from '../../../store/audit/audit.repository.ts';
import { defineHandlers, type Input } from '../../http/operation.ts';
import { list } from '../../http/resource.ts';
import { timeAt } from '../../http/wire.ts';
import { auditView, loginView } from './audit.view.ts';

const spanOf = (query: {
  from?: string;
  to?: string;
}): { from?: Date | undefined; to?: Date | undefined } => {
  const [from, to] = [timeAt('from', query.from), timeAt('to', query.to)];
  if (from && to && from >= to) throw invalid('query.from', 'must lie before to');
  return { from, to };
};

export const auditHandlers = () =>
  defineHandlers({
    listAuditLogs: list({
      path: '/api/v1/audit-logs',
      view: auditView,
      listing: (query: Input<'listAuditLogs'>['query']) =>
        auditListing('all', {
          actor: query.actor,
          action: query.action,
          targetType: query.target_type,
          targetId: query.target_id,
          result: query.result,
          requestId: query.request_id,
          ...spanOf(query),
        }),
    }),

    listLoginLogs: list({
      path: '/api/v1/admin/log/login-logs',
      view: loginView,
      listing: (query: Input<'listLoginLogs'>['query']) =>
        auditListing('sign_ins', { result: query.result, ...spanOf(query) }),
    }),

    listOperaLogs: list({
      path: '/api/v1/admin/log/opera-logs',
      view: auditView,
      listing: (query: Input<'listOperaLogs'>['query']) =>
        auditListing('operations', { result: query.result, ...spanOf(query) }),
    }),

    deleteLoginLog: ({ params }, ctx) =>
      ctx.write(async (tx) => {
        await redactEntry(tx, 'sign_ins', params.log_id);
        return undefined;
      }),

    deleteOperaLog: ({ params }, ctx) =>
      ctx.write(async (tx) => {
        await redactEntry(tx, 'operations', params.log_id);
        return undefined;
      }),
  });
