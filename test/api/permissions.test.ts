import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { listOperations, loadSpec } from '../../api/http/spec.ts';
import { isOpen, ROLES } from '../../scripts/permissions.ts';
import { ApiClient } from '../harness/client.ts';
import { sampleBody, samplePath } from '../harness/sample.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

const operations = listOperations(loadSpec());

/** What the document says: an operation's id, and the roles that have a mark. */
const documented = new Map(
  readFileSync(new URL('../../docs/permissions.md', import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 5 + ROLES.length)
    .map(([, , id = '', needs = '', ...marks]) => [
      id.replaceAll('`', ''),
      { needs, roles: ROLES.filter((_, i) => marks[i] === '✓') },
    ]),
);

let server: TestServer;
const clients = new Map<string, ApiClient>();

beforeAll(async () => {
  server = await startTestServer();
  for (const role of ROLES) {
    const client = await server.signIn({ email: `${role}@example.com`, role });
    client.headers = { prefer: 'wait=0' };
    clients.set(role, client);
  }
  clients.set('nobody', new ApiClient(server.url));
});
afterAll(() => server?.close());

test('the table has every operation once', () => {
  expect([...documented.keys()].filter((id) => operations.some(({ facts }) => facts.id === id))).toHaveLength(
    operations.length,
  );
});

describe('the table is what the server does', () => {
  // Without a scope, everybody who is signed in may: the sweep of the contract asks for those.
  const scoped = operations.filter((operation) => operation.scopes.length > 0 && !isOpen(operation));
  test.each(scoped.map((operation) => [operation.facts.id, operation] as const))(
    '%s',
    async (id, operation) => {
      const line = documented.get(id);
      for (const [role, client] of clients) {
        const answer = await client.request(
          operation.facts.method,
          samplePath(operation),
          operation.facts.method === 'GET' ? undefined : sampleBody(operation),
        );
        const refused = answer.status === 401 || (answer.status === 403 && answer.body.code === 'forbidden');
        const allowed = ((line?.roles ?? []) as readonly string[]).includes(role);
        expect(`${role}: ${refused ? 'refused' : 'let in'}`).toBe(
          `${role}: ${allowed ? 'let in' : 'refused'}`,
        );
      }
    },
  );
});
