import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true });

/** Sends one request on a connection that stays open. @throws Error for any status but 2xx. */
export const call = <Body>(
  method: 'GET' | 'POST',
  url: string,
  options: { token?: string; body?: object } = {},
): Promise<Body> =>
  new Promise((resolve, reject) => {
    const sent = options.body === undefined ? undefined : JSON.stringify(options.body);
    const headers = {
      ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
      ...(sent ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) } : {}),
    };
    const req = request(url, { agent, method, headers }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      res.once('end', () => {
        const status = res.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve(JSON.parse(text) as Body);
        else reject(new Error(`${method} ${url} answered ${status}: ${text.slice(0, 300)}`));
      });
    });
    req.once('error', reject);
    req.end(sent);
  });
