import { createHash, randomBytes } from 'node:crypto';
import { publicPrincipal } from '../../domain/identity/principal.ts';
import type { ProviderName } from '../../domain/identity/provider.ts';
import type { Administration } from '../../store/administration.ts';
import { FLOW_SECONDS, openFlow, takeFlow } from '../../store/identity/provider-flows.ts';
import { findHomeWorkspace } from '../../store/identity/sign-ins.ts';
import { digestOf } from './opaque.ts';
import type { FlowSecrets, Provider } from './providers/port.ts';

export interface ProviderFlowsDeps {
  readonly administration: Administration;
  /** Whether browsers reach this server over https, so that the cookie never travels without it. */
  readonly isSecure: boolean;
}

/** What somebody is sent away with. */
export interface Begun {
  readonly url: string;
  readonly state: string;
  /** For `Set-Cookie`: only the browser that began can finish. */
  readonly cookie: string;
}

const random = (): string => randomBytes(32).toString('base64url');

/** A cookie for each flow, so that two tabs don't end each other's. */
const cookieName = (state: string): string =>
  `taskloom_flow_${createHash('sha256').update(`cookie/${state}`).digest('hex').slice(0, 16)}`;

const cookieValue = (header: string, name: string): string | undefined =>
  header
    .split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1);

/** Sign-ins elsewhere that were begun here, until somebody comes back from them: once, in time, in the same browser. */
export class ProviderFlows {
  readonly #deps: ProviderFlowsDeps;

  constructor(deps: ProviderFlowsDeps) {
    this.#deps = deps;
  }

  #cookie(state: string, value: string, seconds: number): string {
    const secure = this.#deps.isSecure ? '; Secure' : '';
    return `${cookieName(state)}=${value}; Path=/api; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
  }

  /** @param signInId of somebody who links; `null` otherwise. @throws DomainError `provider_unavailable`. */
  async begin(
    name: ProviderName,
    provider: Provider,
    signInId: string | null,
    requestId: string,
  ): Promise<Begun> {
    const { administration } = this.#deps;
    const [state, nonce, verifier, browser] = [random(), random(), random(), random()];
    const url = await provider.begin({ state, nonce, verifier });
    const home = await administration.read(findHomeWorkspace);
    const flow = {
      provider: name,
      digest: digestOf(state),
      browserDigest: digestOf(browser),
      nonce,
      verifier,
      signInId,
    };
    await administration.write(publicPrincipal(home.id), (tx) => openFlow(tx, flow), { requestId });
    return { url, state, cookie: this.#cookie(state, browser, FLOW_SECONDS) };
  }

  /** Uses a flow up. @returns `undefined` for a state that is unknown, over, used, or of another browser. */
  async take(
    name: ProviderName,
    state: string,
    cookies: string,
    requestId: string,
  ): Promise<{ secrets: FlowSecrets; signInId: string | null } | undefined> {
    const { administration } = this.#deps;
    const browser = cookieValue(cookies, cookieName(state));
    if (browser === undefined) return undefined;
    const home = await administration.read(findHomeWorkspace);
    const which = { provider: name, digest: digestOf(state), browserDigest: digestOf(browser) };
    const kept = await administration.write(publicPrincipal(home.id), (tx) => takeFlow(tx, which), {
      requestId,
    });
    if (!kept) return undefined;
    const { nonce, verifier, sign_in_id: signInId } = kept;
    return { secrets: { state, nonce, verifier }, signInId };
  }

  /** For `Set-Cookie`: what the browser kept is of no use any more. */
  forget(state: string): string {
    return this.#cookie(state, '', 0);
  }
}
