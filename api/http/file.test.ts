import { Readable } from 'node:stream';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterEach, expect, test } from '@jest/globals';
import { sendFile } from './file.ts';
import type { FileAnswer } from './operation.ts';

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

/** Serves one file, and tells how sending it ended. */
const serve = async (open: FileAnswer['open']): Promise<{ url: string; ended: Promise<unknown> }> => {
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  const answer = { name: 'a.png', contentType: 'image/png', size: 10, etag: '"x"', open };
  const app = express();
  app.get('/', (req, res) => {
    sendFile(req, res, answer, 200).then(
      () => resolve('sent'),
      (error: unknown) => {
        resolve(error);
        res.destroy();
      },
    );
  });
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((listening) => server?.once('listening', listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, ended };
};

test('a client that leaves in the middle is no failure, and the file is closed', async () => {
  const stalled = new Readable({ read: () => undefined });
  stalled.push('half.');
  const { url, ended } = await serve(async () => stalled);
  const stop = new AbortController();
  const answer = await fetch(url, { signal: stop.signal });
  expect(answer.status).toBe(200);
  stop.abort();
  expect(await ended).toBe('sent');
  expect(stalled.destroyed).toBe(true);
});

test('a storage that breaks off is a failure, and the client sees no whole file', async () => {
  const breaking = new Readable({ read: () => undefined });
  breaking.push('half.');
  const { url, ended } = await serve(async () => breaking);
  const answer = await fetch(url);
  const reading = answer.text();
  breaking.destroy(new Error('the disk is gone'));
  await expect(reading).rejects.toThrow();
  expect(await ended).toMatchObject({ message: 'the disk is gone' });
});

test('a file that can not be opened leaves the answer to others', async () => {
  const refusal = new Error('not there');
  const { url, ended } = await serve(async () => Promise.reject(refusal));
  await expect(fetch(url)).rejects.toThrow();
  expect(await ended).toBe(refusal);
});
