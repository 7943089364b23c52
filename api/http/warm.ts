import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Express } from 'express';
import type { SpecOperation } from './spec.ts';

const warming = new WeakSet<object>();

/** True for the requests of `warmUp`. They exist only inside this process: nothing that comes over HTTP can look like one. */
export const isWarming = (req: object): boolean => warming.has(req);

export const warmedUp = (res: ServerResponse): void => {
  res.statusCode = 200;
  res.setHeader('Content-Type', 'application/json');
  (res as unknown as { json(body: object): void }).json({});
};

const visit = (app: Express, { path, facts, operation }: SpecOperation): Promise<void> =>
  new Promise((resolve) => {
    const req = new IncomingMessage(new Socket());
    req.method = facts.method;
    req.url = path.replace(/\{[^}]+\}/g, '0190163d-8694-739b-aea5-966c26f8ad90');
    req.headers = {
      host: 'localhost',
      authorization: 'Bearer warm',
      'x-webhook-token': 'warm',
      ...(operation.requestBody ? { 'content-type': 'application/json', 'content-length': '2' } : {}),
    };
    Object.assign(req, { body: {}, _body: true });
    warming.add(req);
    const res = new ServerResponse(req);
    res.once('finish', resolve);
    res.end = ((...args: unknown[]) => {
      void args;
      res.emit('finish');
      return res;
    }) as never;
    (app as unknown as (req: IncomingMessage, res: ServerResponse) => void)(req, res);
  });

/**
 * Compiles the validators of every operation, one per turn of the event loop, so that no client pays for the first use
 * (18 to 50 ms each). Run it when the server is ready.
 */
export const warmUp = async (app: Express, operations: readonly SpecOperation[]): Promise<void> => {
  for (const operation of operations) {
    await visit(app, operation);
    await new Promise((resolve) => setImmediate(resolve));
  }
};
