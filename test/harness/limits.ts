import type { Answer, ApiClient } from './client.ts';

/** @returns the statuses of so many answers to requests at once. */
export const many = async (count: number, ask: (n: number) => Promise<Answer>): Promise<number[]> =>
  (await Promise.all(Array.from({ length: count }, (_, n) => ask(n)))).map(({ status }) => status);

/** @returns how many of the statuses are this one. */
export const countOf = (status: number, statuses: readonly number[]): number =>
  statuses.filter((each) => each === status).length;

/** @returns the value of a series at `/metrics`; 0 while there is none. */
export const metric = async (client: ApiClient, name: string): Promise<number> => {
  const { body } = await client.get('/metrics');
  const line = String(body)
    .split('\n')
    .find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ')[1] ?? 0);
};
