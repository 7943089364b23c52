import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { Config } from './config.ts';
import { createOutgoing, OutgoingRefused, type Outgoing } from './outgoing.ts';
import { open, seal } from './sealed.ts';

/** What is kept of an answer. */
const ANSWER_BYTES = 1_024;
const ADDRESS_CHECK_MS = 3_000;

/** One message on its way to one endpoint. */
export interface WebhookCall {
  readonly endpointId: string;
  readonly url: string;
  /** Sealed; each of them signs. */
  readonly secrets: readonly string[];
  /** Of the message: the same at each try. */
  readonly messageId: string;
  readonly body: string;
  readonly timeoutMs: number;
}

export interface WebhookOutcome {
  /** What was answered; null when nothing was. */
  readonly status: number | null;
  /** Why nothing was answered, in one word. */
  readonly error: string | null;
  /** The beginning of the answer's body. */
  readonly answer: string;
  readonly retryAfter: string | undefined;
  readonly latencyMs: number;
}

export interface WebhookSender {
  /** Signs and sends a message once. Never throws for what the receiver does. */
  send(call: WebhookCall): Promise<WebhookOutcome>;
  /** Why this address may not be called; a name that nobody resolves now may be known later. */
  refusal(url: string): Promise<string | undefined>;
  /** A new secret, as the receiver gets it and as it is kept. */
  newSecret(endpointId: string): { readonly secret: string; readonly sealed: string };
}

const wordOf = (error: OutgoingRefused): string =>
  error.code === 'too_many_redirects' ? 'redirected' : error.code;

const printable = (text: string): string => text.replaceAll('\0', '').toWellFormed();

const signatures = (secrets: readonly string[], id: string, at: Date, body: string): string =>
  secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' ');

const post = async (outgoing: Outgoing, call: WebhookCall, secrets: readonly string[]) => {
  const id = `msg_${call.messageId}`;
  const at = new Date();
  const answer = await outgoing.fetch(call.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': signatures(secrets, id, at, call.body),
    },
    body: call.body,
    maxRedirects: 0,
    maxBytes: ANSWER_BYTES,
    overflow: 'truncate',
    timeoutMs: call.timeoutMs,
  });
  return {
    status: answer.status,
    error: null,
    answer: printable(answer.text()),
    retryAfter: answer.headers['retry-after'],
  };
};

/** Webhooks as the Standard Webhooks specification has them, through the guard for addresses that clients name. */
export const createWebhookSender = (
  config: Pick<Config, 'secretKey' | 'outgoing'>,
  outgoing: Outgoing = createOutgoing({ allow: config.outgoing.allow }),
): WebhookSender => {
  const failed = (error: string) => ({ status: null, error, answer: '', retryAfter: undefined });
  const attempt = async (call: WebhookCall) => {
    let secrets: string[];
    try {
      secrets = call.secrets.map((secret) => open(config.secretKey, 'webhook', call.endpointId, secret));
    } catch {
      // The installation has another key than when it was kept.
      return failed('secret_unreadable');
    }
    try {
      return await post(outgoing, call, secrets);
    } catch (error) {
      if (!(error instanceof OutgoingRefused)) throw error;
      return failed(wordOf(error));
    }
  };
  return {
    send: async (call) => {
      const began = performance.now();
      const outcome = await attempt(call);
      return { ...outcome, latencyMs: Math.round(performance.now() - began) };
    },
    refusal: async (url) => {
      try {
        await outgoing.check(url, ADDRESS_CHECK_MS);
        return undefined;
      } catch (error) {
        if (!(error instanceof OutgoingRefused)) throw error;
        return error.code === 'blocked_address' || error.code === 'bad_scheme' ? error.message : undefined;
      }
    },
    newSecret: (endpointId) => {
      const secret = `whsec_${randomBytes(32).toString('base64')}`;
      return { secret, sealed: seal(config.secretKey, 'webhook', endpointId, secret) };
    },
  };
};
