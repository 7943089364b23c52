import { join } from 'node:path';
import { startNodeChild } from '../../scripts/services/node-child.ts';
import { findFreePort } from '../../scripts/services/ports.ts';
import type { RunningService } from '../../scripts/services/processes.ts';
import { call } from './http.ts';

export const ADMIN = { email: 'bench@taskloom.test', password: 'a password for the bench only' };

/** An API process and a person who is signed in. */
export interface Api extends RunningService {
  readonly url: string;
  readonly token: string;
  get<Body>(path: string): Promise<Body>;
  post<Body>(path: string, body: object): Promise<Body>;
  /** Creates tasks. @returns their ids. */
  createTasks(count: number): Promise<string[]>;
}

/** Starts `api/main.ts` as a user would, on a free port, and signs in. */
export const startApi = async (root: string, env: NodeJS.ProcessEnv): Promise<Api> => {
  const port = await findFreePort();
  const service = await startNodeChild({
    name: 'api',
    script: join(root, 'api', 'main.ts'),
    cwd: root,
    env: { ...env, TASKLOOM_PORT: String(port) },
    onLine: (line) => console.error(`[api] ${line.slice(0, 400)}`),
  });
  const url = `http://127.0.0.1:${port}`;
  const { access_token: token } = await call<{ access_token: string }>('POST', `${url}/auth/login`, {
    body: ADMIN,
  });
  const post = <Body>(path: string, body: object): Promise<Body> => call('POST', url + path, { token, body });
  return {
    ...service,
    url,
    token,
    get: (path) => call('GET', url + path, { token }),
    post,
    createTasks: async (count) => {
      const ids: string[] = [];
      for (let n = 0; n < count; n++) {
        const body = { task_name: `Bench ${n}`, topic: `Measuring ${n}`, primary_keyword: 'bench' };
        ids.push((await post<{ id: string }>('/api/tasks', body)).id);
      }
      return ids;
    },
  };
};
