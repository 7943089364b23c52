/** One frame of a live connection, as far as the tests look at it. */
export interface Frame {
  readonly type: string;
  readonly stream?: string;
  readonly seq?: number;
  readonly pos?: number;
  readonly data?: Record<string, unknown>;
}

/** Reads server-sent events from an address until `enough` says so, then hangs up. @returns the durable frames. */
export const readSse = async (
  url: string,
  token: string,
  options: { lastEventId?: number; enough: (frames: readonly Frame[]) => boolean },
): Promise<Frame[]> => {
  const hangUp = new AbortController();
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
  if (options.lastEventId !== undefined) headers['last-event-id'] = String(options.lastEventId);
  const response = await fetch(url, { headers, signal: hangUp.signal });
  if (response.status !== 200 || !response.body)
    throw new Error(`${response.status}: ${await response.text()}`);
  const frames: Frame[] = [];
  let rest = '';
  try {
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        if (!/^id: /m.test(block)) continue;
        frames.push(JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '{}'));
        if (options.enough(frames)) return frames;
      }
    }
    return frames;
  } finally {
    hangUp.abort();
  }
};

/** Follows a subscription over the WebSocket until `enough` says so, then hangs up. @returns the durable frames. */
export const readSocket = (
  url: string,
  token: string,
  subscription: object,
  enough: (frames: readonly Frame[]) => boolean,
): Promise<Frame[]> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`);
    const frames: Frame[] = [];
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify({ type: 'auth', token }));
      socket.send(JSON.stringify({ type: 'subscribe', ...subscription }));
    });
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as Frame;
      if (frame.type === 'error') reject(new Error(JSON.stringify(frame)));
      if (frame.seq === undefined) return;
      frames.push(frame);
      if (!enough(frames)) return;
      socket.close();
      resolve(frames);
    });
    socket.addEventListener('error', () => reject(new Error('the socket failed')));
  });
