import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import express, { type Express, type Request, type RequestHandler } from 'express';
import pg from 'pg';
import type { PartHandle } from '../child.ts';

export interface FloorSettings {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly queue: string;
  readonly poolSize: number;
}

/** Express 5 passes a rejected promise on to its error handler by itself. */
const answering =
  (status: number, work: (req: Request) => Promise<object | undefined>): RequestHandler =>
  async (req, res) => {
    res.status(status).json(await work(req));
  };

const app = (pool: pg.Pool, client: Client, queue: string): Express => {
  const server = express();
  server.use(express.json());
  const read = async ({ params }: Request): Promise<object | undefined> =>
    (await pool.query<object>('select * from floor_rows where id = $1', [params['id']])).rows[0];
  const start = async (req: Request): Promise<object> => {
    const { name, workflow, args } = req.body as { name: string; workflow: string; args: unknown[] };
    const id = randomUUID();
    await pool.query('insert into floor_rows (id, name, status) values ($1, $2, $3)', [id, name, 'queued']);
    await client.workflow.start(workflow, {
      taskQueue: queue,
      workflowId: `floor/${id}`,
      args: [id, ...args],
    });
    return { id };
  };
  const approve = async ({ params }: Request): Promise<object> => {
    const id = String(params['id']);
    await client.workflow.getHandle(`floor/${id}`).signal('approved');
    return { id };
  };
  server.get('/rows/:id', answering(200, read));
  server.post('/start', answering(202, start));
  server.post('/approve/:id', answering(200, approve));
  return server;
};

/** The least that a web server can do for the same: no validation, no sign-in, no isolation, no log, no events. */
export const openFloorServer = async (settings: FloorSettings): Promise<PartHandle> => {
  const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: settings.poolSize });
  const connection = await Connection.connect({ address: settings.temporalAddress });
  const server = app(pool, new Client({ connection }), settings.queue).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    answer: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await connection.close();
      await pool.end();
    },
  };
};
