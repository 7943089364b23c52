import { DomainError } from '../../../domain/errors.ts';
import type { ProviderName } from '../../../domain/identity/provider.ts';
import { deleteIdentity, listIdentities, type IdentityRow } from '../../../store/identity/identities.ts';
import type { UserRow } from '../../../store/identity/users.ts';
import type { ProviderFlows } from '../../auth/provider-flows.ts';
import type { FlowSecrets } from '../../auth/providers/port.ts';
import type { Providers } from '../../auth/providers/providers.ts';
import type { SignedIn } from '../../auth/sign-in.ts';
import type { Context } from '../../http/context.ts';
import { defineHandlers, Reply } from '../../http/operation.ts';
import { time } from '../../http/wire.ts';
import { enter, invalidState, recordRefusal, type ProviderFlowDeps } from './providers.flows.ts';

export interface ProviderHandlerDeps extends ProviderFlowDeps {
  readonly providers: Providers;
  readonly providerFlows: ProviderFlows;
  /** Whether document 000's door takes a code without a state. */
  readonly codeOnly: boolean;
}

const UNCACHED = { 'Cache-Control': 'no-store' };

const identityView = (row: IdentityRow) => ({
  id: row.id,
  provider: row.provider,
  email: row.email,
  created_at: time(row.created_at),
  last_used_at: time(row.last_used_at),
});

const enteredView = ({ accessToken, refreshToken, expiresIn, user }: SignedIn & { user: UserRow }) => ({
  access_token: accessToken,
  refresh_token: refreshToken,
  token_type: 'bearer' as const,
  expires_in: expiresIn,
  user: { user_id: user.id, email: user.email, name: user.display_name, avatar_url: user.avatar_url },
});

const begin = async (
  { providers, providerFlows }: ProviderHandlerDeps,
  name: ProviderName,
  ctx: Context,
  signInId: string | null = null,
) => {
  const { url, state, cookie } = await providerFlows.begin(
    name,
    providers.require(name),
    signInId,
    ctx.requestId,
  );
  const headers = { ...UNCACHED, 'Set-Cookie': cookie };
  return signInId === null && /\btext\/html\b/.test(ctx.accept)
    ? new Reply({ status: 302, body: undefined, headers: { ...headers, Location: url } })
    : new Reply({ body: { authorization_url: url, state }, headers });
};

/** Exchanges what somebody came back with, and lets them in. */
const finish = async (
  deps: ProviderHandlerDeps,
  name: ProviderName,
  answer: URLSearchParams,
  flow: { readonly secrets: FlowSecrets | null; readonly signInId: string | null },
  ctx: Context,
) => {
  const provider = deps.providers.require(name);
  const person = await provider.finish(answer, flow.secrets).catch(async (error: unknown) => {
    if (error instanceof DomainError)
      await recordRefusal(deps, { method: name, reason: error.code }, ctx.caller);
    throw error;
  });
  const vouched = { provider: name, label: provider.label, person };
  const entered = await enter(deps, vouched, flow.signInId, ctx.caller);
  const cookie = flow.secrets && deps.providerFlows.forget(flow.secrets.state);
  const headers = { ...UNCACHED, ...(cookie === null ? {} : { 'Set-Cookie': cookie }) };
  return new Reply({ body: enteredView(entered), headers });
};

const takeFlow = async (deps: ProviderHandlerDeps, name: ProviderName, state: string, ctx: Context) => {
  deps.providers.require(name);
  const flow = await deps.providerFlows.take(name, state, ctx.header('cookie') ?? '', ctx.requestId);
  if (flow) return flow;
  const refusal = invalidState();
  await recordRefusal(deps, { method: name, reason: refusal.code }, ctx.caller);
  throw refusal;
};

/** What somebody came back with, as it was sent: providers add parameters of their own, some of which count. */
const searchOf = (query: Readonly<Record<string, unknown>>): URLSearchParams => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  return search;
};

const callback = async (
  deps: ProviderHandlerDeps,
  name: ProviderName,
  query: Readonly<Record<string, unknown>> & { readonly state: string },
  ctx: Context,
) => finish(deps, name, searchOf(query), await takeFlow(deps, name, query.state, ctx), ctx);

const withoutState = (deps: ProviderHandlerDeps) => {
  deps.providers.require('github');
  if (!deps.codeOnly)
    throw new DomainError(
      'forbidden',
      'state_needed',
      'Send the state that the sign-in was begun with: TASKLOOM_GITHUB_CODE_ONLY is off.',
    );
  return { secrets: null, signInId: null };
};

/** Signing in by others, and the ways in of the signed-in person. */
export const providerHandlers = (deps: ProviderHandlerDeps) =>
  defineHandlers({
    authorizeGitHub: (_input, ctx) => begin(deps, 'github', ctx),
    authorizeGoogle: (_input, ctx) => begin(deps, 'google', ctx),
    authorizeOidc: (_input, ctx) => begin(deps, 'oidc', ctx),
    finishGitHub: ({ query }, ctx) => callback(deps, 'github', query, ctx),
    finishGoogle: ({ query }, ctx) => callback(deps, 'google', query, ctx),
    finishOidc: ({ query }, ctx) => callback(deps, 'oidc', query, ctx),

    finishGitHubBrief: async ({ body }, ctx) => {
      const { code, state } = body;
      const flow = state === undefined ? withoutState(deps) : await takeFlow(deps, 'github', state, ctx);
      return finish(deps, 'github', new URLSearchParams({ code }), flow, ctx);
    },

    beginLink: ({ params }, ctx) => begin(deps, params.provider, ctx, ctx.principal.signInId),

    listIdentities: async (_input, ctx) => {
      const rows = await deps.administration.read((db) => listIdentities(db, ctx.principal.userId));
      return { items: rows.map(identityView) };
    },

    deleteIdentity: async ({ params }, ctx) => {
      const { principal } = ctx;
      await deps.administration.write(
        principal,
        async (tx) => {
          const { provider } = await deleteIdentity(tx, principal.userId, params.identity_id);
          tx.audit('identity.unlink', 'identity', params.identity_id, { method: provider });
        },
        ctx.caller,
      );
      return undefined;
    },
  });
