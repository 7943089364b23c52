import type { Answer, ApiClient } from './client.ts';

/** As many connections at once as a system lets wait. */
const AT_ONCE = 100;

/** @returns the statuses of so many answers, asked for a hundred at a time. */
export const many = async (count: number, ask: (n: number) => Promise<Answer>): Promise<number[]> => {
  const statuses: number[] = [];
  let next = 0;
  const askOn = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) statuses[n] = (await ask(n)).status;
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, askOn));
  return statuses;
};

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
