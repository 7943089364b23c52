import { createServer } from 'node:net';
import { createGzip, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { closeAll, listenOnLoopback, serve, type Answer } from '../test/harness/loopback.ts';
import { createOutgoing, type OutgoingRequest } from './outgoing.ts';
import { expectRefusal } from './outgoing.testsuite.ts';

afterEach(closeAll);

const hello: Answer = (_request, response) => void response.end('hello');

describe('a body', () => {
  const endless: Answer = (_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x')));
    };
    response.on('drain', more);
    more();
  };

  test('without an end is cut or refused at the limit', async () => {
    const { at } = await serve(endless);
    const outgoing = createOutgoing({ allow: [at] });
    await expectRefusal(outgoing.fetch(`http://${at}/`, { maxBytes: 100_000 }), 'too_large');
    const cut = await outgoing.fetch(`http://${at}/`, { maxBytes: 100_000, overflow: 'truncate' });
    expect({ bytes: cut.body.length, truncated: cut.truncated }).toEqual({ bytes: 100_000, truncated: true });
  });

  test('of just the limit is whole', async () => {
    const { at } = await serve(hello);
    const answer = await createOutgoing({ allow: [at] }).fetch(`http://${at}/`, { maxBytes: 5 });
    expect({ text: answer.text(), truncated: answer.truncated }).toEqual({ text: 'hello', truncated: false });
  });

  test('is limited after decompression', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000));
    expect(bomb.length).toBeLessThan(100_000);
    const { at } = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    );
    const outgoing = createOutgoing({ allow: [at] });
    await expectRefusal(outgoing.fetch(`http://${at}/`, { maxBytes: 1_000_000 }), 'too_large');
    const cut = await outgoing.fetch(`http://${at}/`, { maxBytes: 1_000_000, overflow: 'truncate' });
    expect({ bytes: cut.body.length, truncated: cut.truncated }).toEqual({
      bytes: 1_000_000,
      truncated: true,
    });
  });

  test('that is compressed nothing without an end is refused too', async () => {
    const { at } = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const header = gzipSync('').subarray(0, 10);
      const emptyBlock = Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff]);
      response.write(header);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.concat(Array(2000).fill(emptyBlock))));
      };
      response.on('drain', more);
      more();
    });
    await expectRefusal(
      createOutgoing({ allow: [at] }).fetch(`http://${at}/`, { maxBytes: 50_000 }),
      'too_large',
    );
  });

  test('is decompressed, and read in the character set that it declares', async () => {
    const { at } = await serve((request, response) => {
      if (request.url === '/gzip') {
        const gzip = createGzip();
        gzip.pipe(response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/plain' }));
        return void gzip.end('zipped');
      }
      if (request.url === '/header')
        return void response
          .writeHead(200, { 'content-type': 'text/plain; charset=iso-8859-1' })
          .end(Buffer.from([0xe9]));
      if (request.url === '/meta')
        return void response
          .writeHead(200, { 'content-type': 'text/html' })
          .end(Buffer.concat([Buffer.from('<meta charset="windows-1252">'), Buffer.from([0x80])]));
      return void response.writeHead(200, { 'content-type': 'text/plain; charset=nonsense' }).end('é');
    });
    const outgoing = createOutgoing({ allow: [at] });
    const text = async (path: string) => (await outgoing.fetch(`http://${at}${path}`)).text();
    expect(await text('/gzip')).toBe('zipped');
    expect(await text('/header')).toBe('é');
    expect(await text('/meta')).toBe('<meta charset="windows-1252">€');
    expect(await text('/unknown')).toBe('é');
  });

  test('that is broken, or cut off, is an error of its own', async () => {
    const { at } = await serve((request, response) => {
      if (request.url === '/encoding')
        return void response.writeHead(200, { 'content-encoding': 'zstd' }).end('x');
      if (request.url === '/garbage')
        return void response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip at all');
      response.writeHead(200, { 'content-length': '1000' }).write('beginning');
      return void setImmediate(() => response.destroy());
    });
    const outgoing = createOutgoing({ allow: [at] });
    for (const path of ['/encoding', '/garbage', '/cut']) {
      const refusal = await expectRefusal(outgoing.fetch(`http://${at}${path}`), 'unreachable');
      expect(refusal.reached).toBe(true);
    }
  });
});

describe('time', () => {
  const drip: Answer = (_request, response) => {
    const timer = setInterval(() => response.write('.'), 20);
    response.on('close', () => clearInterval(timer));
  };

  test.each<[string, Answer]>([
    ['a body that never ends, slowly', drip],
    ['a server that never answers', () => {}],
  ])('is limited for %s', async (_name, answer) => {
    const { at } = await serve(answer);
    await expectRefusal(
      createOutgoing({ allow: [at] }).fetch(`http://${at}/`, { timeoutMs: 150 }),
      'timeout',
    );
  });

  test('of connecting has a limit of its own', async () => {
    // TLS that nobody answers: the socket is open, the connection is not.
    const at = await listenOnLoopback(createServer((socket) => socket.resume()));
    const outgoing = createOutgoing({ allow: [at], connectTimeoutMs: 100 });
    const refusal = await expectRefusal(outgoing.fetch(`https://${at}/`), 'unreachable');
    expect(refusal.reached).toBe(false);
  });

  test('a port where nobody listens is noticed at once', async () => {
    const { at } = await serve(hello);
    await closeAll();
    const refusal = await expectRefusal(
      createOutgoing({ allow: [at] }).fetch(`http://${at}/`),
      'unreachable',
    );
    expect(refusal.reached).toBe(false);
  });

  test.each([
    ['before the answer', 0],
    ['in the middle of the body', 3],
  ])("ends with the caller's signal %s, and the server sees it", async (_name, pieces) => {
    const stop = new AbortController();
    const reason = new Error('stopped');
    let left = (): void => {};
    const closed = new Promise<void>((resolve) => (left = resolve));
    const { at } = await serve((_request, response) => {
      response.on('close', left);
      for (let piece = 0; piece < pieces; piece += 1) response.write('piece');
      setImmediate(() => stop.abort(reason));
    });
    const options: OutgoingRequest = { signal: stop.signal };
    await expect(createOutgoing({ allow: [at] }).fetch(`http://${at}/`, options)).rejects.toBe(reason);
    await closed;
    await expect(createOutgoing({ allow: [at] }).fetch(`http://${at}/`, options)).rejects.toBe(reason);
  });
});
