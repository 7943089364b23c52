import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { createGzip, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createOutgoing, OutgoingRefused, type OutgoingCode, type OutgoingRequest } from './outgoing.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    if ('closeAllConnections' in server) (server as ReturnType<typeof createServer>).closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const listening = async (server: Server): Promise<string> => {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** A server on loopback. @returns its host:port and the requests that reached it. */
const serve = async (answer: Answer): Promise<{ at: string; seen: IncomingMessage[] }> => {
  const seen: IncomingMessage[] = [];
  const at = await listening(
    createServer((request, response) => {
      seen.push(request);
      answer(request, response);
    }),
  );
  return { at, seen };
};

const portOf = (at: string): string => at.split(':')[1] ?? '';
const hello: Answer = (_request, response) => void response.end('hello');
const redirect =
  (location: string, status = 302): Answer =>
  (_request, response) =>
    void response.writeHead(status, { location }).end();

const refusalOf = async (call: Promise<unknown>): Promise<OutgoingRefused> => {
  const error: unknown = await call.then(
    () => new Error('it answered'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof OutgoingRefused) return error;
  throw error;
};

const expectRefusal = async (call: Promise<unknown>, code: OutgoingCode): Promise<OutgoingRefused> => {
  const refusal = await refusalOf(call);
  expect(`${refusal.code}: ${refusal.message}`).toMatch(new RegExp(`^${code}: `));
  expect(refusal.cause).toBeUndefined();
  return refusal;
};

describe('an address that a client named', () => {
  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://0x7f000001/',
    'http://2130706433/',
    'http://0.0.0.0/',
    'http://10.1.2.3/',
    'http://172.16.0.1/',
    'http://192.168.1.1/',
    'http://100.64.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://168.63.129.16/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'http://[::]/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:10.0.0.1]/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::10.0.0.1]/',
    'http://[64:ff9b:1::1]/',
    'http://[2002:7f00:1::]/',
    'http://[fe80::1]/',
    'http://[fc00::1]/',
    'http://[fd00:ec2::254]/',
    'http://[2001:db8::1]/',
    'http://[4000::1]/',
  ])('%s is refused without a connection', async (url) => {
    const outgoing = createOutgoing();
    expect(outgoing.mayCall(url)).toBe(false);
    await expectRefusal(outgoing.fetch(url), 'blocked_address');
  });

  test.each([
    'ftp://example.com/',
    'file:///etc/passwd',
    'gopher://x/',
    'javascript:alert(1)',
    'nonsense',
    '//x',
  ])('%s is no address to call', async (url) => {
    expect(createOutgoing().mayCall(url)).toBe(false);
    await expectRefusal(createOutgoing().fetch(url), 'bad_scheme');
  });

  test('with a user name or password is refused, and the message repeats neither', async () => {
    const { at, seen } = await serve(hello);
    for (const user of ['somebody:s3cret', 'somebody', ':s3cret']) {
      const { message } = await expectRefusal(
        createOutgoing({ allow: [at] }).fetch(`http://${user}@${at}/?key=s3cret`),
        'bad_scheme',
      );
      expect(message).not.toMatch(/somebody|s3cret/);
    }
    expect(seen).toHaveLength(0);
  });

  test('is called where an exception allows it', async () => {
    const { at, seen } = await serve(hello);
    const resolve = async () => ['127.0.0.1'];
    const port = portOf(at);
    const allowed = [['127.0.0.1'], [at], ['127.0.0.0/8'], ['hook.test'], [`HOOK.test:${port}`]];
    for (const allow of allowed) {
      const outgoing = createOutgoing({ allow, resolve });
      const answer = await outgoing.fetch(`http://hook.test:${port}/path`);
      expect(answer).toMatchObject({ status: 200, truncated: false, url: `http://hook.test:${port}/path` });
      expect(answer.text()).toBe('hello');
    }
    expect(seen).toHaveLength(allowed.length);
    expect(seen[0]?.headers['user-agent']).toMatch(/^Taskloom\/\d/);
    const others = [
      ['127.0.0.1:1'],
      ['127.0.0.0/32'],
      ['hook.test:1'],
      ['ook.test'],
      ['::1'],
      ['10.0.0.0/8'],
      [],
    ];
    for (const allow of others)
      await expectRefusal(
        createOutgoing({ allow, resolve }).fetch(`http://hook.test:${port}/`),
        'blocked_address',
      );
    expect(seen).toHaveLength(allowed.length);
  });

  test.each(['http://x', 'a b', '10.0.0.0/33', 'host:99999', 'a/b', ''])(
    'can not be excepted by %j, and the message names the setting',
    (entry) => {
      expect(() => createOutgoing({ allow: [entry] })).toThrow(/TASKLOOM_OUTGOING_ALLOW/);
    },
  );
});

describe('a name', () => {
  test.each([
    [['127.0.0.1']],
    [['93.184.216.34', '10.0.0.1']],
    [['2606:2800:220:1::1', '::1']],
    [['::ffff:192.168.0.1']],
    [['not an address']],
  ])('that resolves to %j is refused', async (addresses) => {
    const outgoing = createOutgoing({ resolve: async () => addresses });
    await expectRefusal(outgoing.fetch('http://two-faced.test/'), 'blocked_address');
  });

  test('is resolved once: the connection goes to the addresses that were checked', async () => {
    const { at, seen } = await serve(hello);
    const answers = [['127.0.0.1'], ['10.0.0.1']];
    let asked = 0;
    const resolve = async () => answers[asked++] ?? [];
    const outgoing = createOutgoing({ allow: [at], resolve });
    await outgoing.fetch(`http://rebinding.test:${portOf(at)}/`);
    expect({ asked, seen: seen.length, host: seen[0]?.headers.host }).toEqual({
      asked: 1,
      seen: 1,
      host: `rebinding.test:${portOf(at)}`,
    });
    await expectRefusal(outgoing.fetch(`http://rebinding.test:${portOf(at)}/`), 'blocked_address');
  });

  test('with several addresses is reached at one that answers', async () => {
    const { at } = await serve(hello);
    const outgoing = createOutgoing({
      allow: ['127.0.0.0/8', '::1'],
      resolve: async () => ['::1', '127.0.0.1'],
    });
    expect((await outgoing.fetch(`http://dual.test:${portOf(at)}/`)).status).toBe(200);
  });

  test('that does not resolve, or not in time, is unreachable and was not reached', async () => {
    const notFound = Object.assign(new Error('x'), { code: 'ENOTFOUND' });
    const gone = createOutgoing({ resolve: () => Promise.reject(notFound) });
    expect((await expectRefusal(gone.fetch('http://gone.test/'), 'unreachable')).reached).toBe(false);
    const silent = createOutgoing({ resolve: () => new Promise(() => {}), connectTimeoutMs: 50 });
    expect((await expectRefusal(silent.fetch('http://silent.test/'), 'unreachable')).reached).toBe(false);
    const empty = createOutgoing({ resolve: async () => [] });
    expect((await expectRefusal(empty.fetch('http://empty.test/'), 'unreachable')).reached).toBe(false);
  });

  test('that means this machine or network may not be called, as its text says', () => {
    const outgoing = createOutgoing({ allow: ['wiki.internal', '10.0.0.5'] });
    for (const host of ['localhost', 'intranet', 'db.internal', 'printer.local', 'x.localhost', 'localhost.'])
      expect(outgoing.mayCall(`http://${host}/`)).toBe(false);
    for (const host of ['wiki.internal', '10.0.0.5', 'example.com', '8.8.8.8', '[2606:4700::1111]'])
      expect(outgoing.mayCall(`http://${host}/`)).toBe(true);
  });
});

describe('a redirect', () => {
  test('is followed, and checked again', async () => {
    const inner = await serve(hello);
    const outer = await serve((request, response) =>
      redirect(request.url === '/in' ? `http://${inner.at}/secret` : '/final')(request, response),
    );
    const outgoing = createOutgoing({ allow: [outer.at] });
    await expectRefusal(outgoing.fetch(`http://${outer.at}/in`), 'blocked_address');
    expect(inner.seen).toHaveLength(0);
    for (const location of ['ftp://x/', 'http://a:b@x/', 'http://[::1]/', 'http://169.254.169.254/']) {
      const evil = await serve(redirect(location));
      expect(
        (await refusalOf(createOutgoing({ allow: [evil.at] }).fetch(`http://${evil.at}/`))).code,
      ).toMatch(/^(bad_scheme|blocked_address)$/);
    }
  });

  test('beyond the number allowed is an error', async () => {
    const { at, seen } = await serve(redirect('/again'));
    const outgoing = createOutgoing({ allow: [at] });
    await expectRefusal(outgoing.fetch(`http://${at}/`, { maxRedirects: 2 }), 'too_many_redirects');
    expect(seen).toHaveLength(3);
    await expectRefusal(outgoing.fetch(`http://${at}/`, { maxRedirects: 0 }), 'too_many_redirects');
    expect(seen).toHaveLength(4);
  });

  test('to another origin takes no key along, and to the same one it does', async () => {
    const target = await serve(hello);
    const start = await serve((request, response) =>
      request.url === '/same'
        ? hello(request, response)
        : redirect(`http://${target.at}/`)(request, response),
    );
    const same = await serve((request, response) =>
      request.url === '/1' ? redirect('/2')(request, response) : hello(request, response),
    );
    const outgoing = createOutgoing({ allow: ['127.0.0.1'] });
    const headers = { Authorization: 'Bearer s3cret', 'X-Key': 's3cret', Accept: 'text/html' };
    await outgoing.fetch(`http://${start.at}/`, { headers });
    expect(start.seen[0]?.headers).toMatchObject({ authorization: 'Bearer s3cret', 'x-key': 's3cret' });
    expect(JSON.stringify(target.seen[0]?.headers)).not.toContain('s3cret');
    expect(target.seen[0]?.headers.accept).toBe('text/html');
    await outgoing.fetch(`http://${same.at}/1`, { headers });
    expect(same.seen[1]?.headers.authorization).toBe('Bearer s3cret');
  });

  test.each([
    [302, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [307, 'POST', 'POST', 'body'],
    [308, 'PUT', 'PUT', 'body'],
  ])('with status %i turns %s into %s', async (status, method, expected, body) => {
    const seen: string[] = [];
    const { at } = await serve((request, response) => {
      if (request.url === '/1') return redirect('/2', status)(request, response);
      let text = '';
      request.on('data', (chunk) => (text += String(chunk)));
      return void request.on('end', () => {
        seen.push(`${request.method} ${text}`);
        response.end();
      });
    });
    await createOutgoing({ allow: [at] }).fetch(`http://${at}/1`, { method, body: 'body' });
    expect(seen).toEqual([`${expected} ${body}`]);
  });
});

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
    const at = await listening(createTcpServer((socket) => socket.resume()));
    const outgoing = createOutgoing({ allow: [at], connectTimeoutMs: 100 });
    const refusal = await expectRefusal(outgoing.fetch(`https://${at}/`), 'unreachable');
    expect(refusal.reached).toBe(false);
  });

  test('a port where nobody listens is noticed at once', async () => {
    const { at } = await serve(hello);
    await new Promise((resolve) => servers.pop()?.close(resolve));
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

test('headers of the connection are not for callers', async () => {
  const { at, seen } = await serve(hello);
  const headers = {
    Host: 'evil.test',
    'Content-Length': '99',
    Connection: 'upgrade',
    'User-Agent': 'Hook/1',
  };
  await createOutgoing({ allow: [at] }).fetch(`http://${at}/`, { headers });
  expect(seen[0]?.headers).toMatchObject({ host: at, 'user-agent': 'Hook/1', 'accept-encoding': 'gzip, br' });
  expect(seen[0]?.headers['content-length']).toBeUndefined();
});
