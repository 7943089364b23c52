import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { eventView } from './event.view.ts';
import type { Sessions } from '../auth/sessions.ts';
import type { UserPrincipal } from '../../domain/identity/principal.ts';
import type { Store } from '../../store/store.ts';
import { newestPosition, streamExists } from '../../store/live/events.ts';
import type { Limits } from '../limits/limits.ts';
import type { Live } from './live.ts';
import { CLOSE, parseFrame, type ClientFrame } from './protocol.ts';
import type { Sink, Target } from './subscription.ts';

const AUTH_WITHIN_MS = 10_000;
const PING_MS = 20_000;
const MAX_BUFFERED_BYTES = 1_000_000;
const MAX_SUBSCRIPTIONS = 200;
const NEEDED_SCOPE = 'events:read';

export interface SocketDeps {
  readonly store: Store;
  readonly live: Live;
  readonly sessions: Sessions;
  readonly limits: Pick<Limits, 'admit' | 'badCredential'>;
}

/** One client's WebSocket: signs in, subscribes, receives frames; ends when its token does. */
export class Socket {
  readonly #socket: WebSocket;
  readonly #deps: SocketDeps;
  readonly #request: IncomingMessage;
  readonly #subscriptions = new Map<string, () => void>();
  readonly #timers: NodeJS.Timeout[];
  #principal: UserPrincipal | undefined;
  #unwatch: (() => void) | undefined;
  #alive = true;
  #work: Promise<void> = Promise.resolve();

  constructor(socket: WebSocket, deps: SocketDeps, request: IncomingMessage, token: string | undefined) {
    this.#socket = socket;
    this.#deps = deps;
    this.#request = request;
    this.#timers = [
      setTimeout(
        () => this.#principal ?? this.#close(CLOSE.unauthenticated, 'send {type:"auth", token} first'),
        AUTH_WITHIN_MS,
      ),
      setInterval(() => this.#ping(), PING_MS),
    ];
    socket.on('pong', () => (this.#alive = true));
    socket.on('message', (data, isBinary) => this.#receive(isBinary ? '' : (data as Buffer).toString()));
    socket.on('close', () => this.#dispose());
    socket.on('error', () => socket.terminate());
    if (token !== undefined) this.#enqueue(() => this.#authenticate(token));
  }

  #send(frame: object): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.#close(CLOSE.tooSlow, 'not read fast enough: resume from your last position');
      return false;
    }
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  #ping(): void {
    if (!this.#alive) return this.#socket.terminate();
    this.#alive = false;
    this.#socket.ping();
  }

  /** Frames are handled one after the other, as they were sent. */
  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch(() => {
      this.#send({ type: 'error', code: 'unavailable', detail: 'Not available right now: try again.' });
    });
  }

  #receive(text: string): void {
    const frame = parseFrame(text);
    if (!frame) return this.#close(CLOSE.badFrame, 'not a frame of this protocol');
    this.#enqueue(() => this.#handle(frame));
  }

  async #handle(frame: ClientFrame): Promise<void> {
    if (frame.type === 'ping') return void this.#send({ type: 'pong' });
    if (frame.type === 'auth') return this.#authenticate(frame.token);
    if (!this.#principal) return this.#close(CLOSE.unauthenticated, 'send {type:"auth", token} first');
    if (frame.type === 'unsubscribe') return this.#unsubscribe(frame);
    if ('feed' in frame) return this.#followFeed(this.#principal, frame);
    for (const [stream, after] of Object.entries(frame.streams))
      await this.#followStream(this.#principal, stream, after);
  }

  async #authenticate(token: string): Promise<void> {
    const session = await this.#deps.sessions.find(token);
    const { limits } = this.#deps;
    if (!session) {
      const refused = await limits.badCredential(this.#request);
      return refused
        ? this.#close(CLOSE.tooMany, refused.message)
        : this.#close(CLOSE.unauthenticated, 'the token is not valid');
    }
    if (!session.principal.scopes.has(NEEDED_SCOPE))
      return this.#close(CLOSE.forbidden, `your role lacks ${NEEDED_SCOPE}`);
    // A newer token on an open socket is no new connection.
    const refused = this.#principal ? undefined : await limits.admit(session.principal);
    if (refused) return this.#close(CLOSE.tooMany, refused.message);
    this.#principal = session.principal;
    this.#unwatch?.();
    this.#unwatch = this.#deps.live.watchSession(token, () =>
      this.#close(CLOSE.unauthenticated, 'the sign-in has ended'),
    );
    this.#send({
      type: 'ready',
      user_id: session.principal.userId,
      workspace_id: session.principal.workspaceId,
    });
  }

  async #followStream(principal: UserPrincipal, stream: string, after: number): Promise<void> {
    const exists = await this.#deps.store.read(principal, (db) => streamExists(db, stream));
    if (!exists)
      return void this.#send({
        type: 'error',
        code: 'not_found',
        stream,
        detail: `There is no stream ${stream}.`,
      });
    this.#follow(principal, stream, { stream, after }, false);
    this.#send({ type: 'subscribed', stream, after });
  }

  async #followFeed(principal: UserPrincipal, frame: { after?: number; event_type?: string }): Promise<void> {
    const after = frame.after ?? (await this.#deps.store.read(principal, newestPosition));
    this.#follow(
      principal,
      'feed',
      { feed: 'workspace', after, ...(frame.event_type ? { type: frame.event_type } : {}) },
      true,
    );
    this.#send({ type: 'subscribed', feed: 'workspace', after });
  }

  #follow(principal: UserPrincipal, key: string, target: Target, withPos: boolean): void {
    this.#subscriptions.get(key)?.();
    if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS)
      return this.#close(CLOSE.tooMany, `at most ${MAX_SUBSCRIPTIONS} subscriptions`);
    const stream = 'stream' in target ? target.stream : undefined;
    const sink: Sink = {
      event: (row) => this.#send(eventView(row, withPos)),
      delta: (row) =>
        'reset' in row
          ? this.#send({ type: 'delta_reset', stream, data: { step: row.step, attempt: row.attempt } })
          : this.#send({
              type: 'delta',
              stream,
              data: { step: row.step, attempt: row.attempt, part: row.part, text: row.text },
            }),
      failed: (error) => {
        this.#subscriptions.delete(key);
        this.#send({
          type: 'error',
          code: error.code,
          ...(stream ? { stream } : { feed: 'workspace' }),
          detail: error.message,
        });
      },
    };
    this.#subscriptions.set(key, this.#deps.live.subscribe(principal, target, sink));
  }

  #unsubscribe(frame: { streams?: readonly string[]; feed?: 'workspace' }): void {
    for (const key of [...(frame.streams ?? []), ...(frame.feed ? ['feed'] : [])]) {
      this.#subscriptions.get(key)?.();
      this.#subscriptions.delete(key);
    }
    this.#send({ ...frame, type: 'unsubscribed' });
  }

  #dispose(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const stop of this.#subscriptions.values()) stop();
    this.#subscriptions.clear();
    this.#unwatch?.();
  }
}
