import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import express, { type Express } from 'express';
import pg from 'pg';
import type { PartHandle } from '../child.ts';

export interface FloorSettings {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly queue: string;
  readonly poolSize: number;
}

const app = (pool: pg.Pool, client: Client, queue: string): Express => {
  const server = express();
  server.use(express.json());
  server.get('/rows/:id', async (req, res) => {
    const { rows } = await pool.query('select * from floor_rows where id = $1', [req.params.id]);
    res.json(rows[0]);
  });
  server.post('/start', async (req, res) => {
    const body = req.body as { name: string; workflow: string; args: unknown[] };
    const id = randomUUID();
    await pool.query('insert into floor_rows (id, name, status) values ($1, $2, $3)', [
      id,
      body.name,
      'queued',
    ]);
    await client.workflow.start(body.workflow, {
      taskQueue: queue,
      workflowId: `floor/${id}`,
      args: [id, ...body.args],
    });
    res.status(202).json({ id });
  });
  server.post('/approve/:id', async (req, res) => {
    await client.workflow.getHandle(`floor/${req.params.id}`).signal('approved');
    res.json({ id: req.params.id });
  });
  return server;
};

/** The least that a web server can do for the same: no validation, no sign-in, no isolation, no log, no events. */
export const openFloorServer = async (settings: FloorSettings): Promise<PartHandle> => {
  const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: settings.poolSize });
  const connection = await Connection.connect({
    address: settings.temporalAddress,
    grpcCompression: { codec: 'none' },
  });
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
