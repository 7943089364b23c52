import { afterEach, describe, expect, test } from '@jest/globals';
import { closeAll, serve, type Answer } from '../test/harness/loopback.ts';
import { createOutgoing } from './outgoing.ts';
import { expectRefusal, refusalOf } from './outgoing.testsuite.ts';

afterEach(closeAll);

const portOf = (at: string): string => at.split(':')[1] ?? '';
const hello: Answer = (_request, response) => void response.end('hello');
const redirect =
  (location: string, status = 302): Answer =>
  (_request, response) =>
    void response.writeHead(status, { location }).end();

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
