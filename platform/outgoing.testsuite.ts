import { expect } from '@jest/globals';
import { OutgoingRefused, type OutgoingCode } from './outgoing.ts';

/** What a call was refused with; an answer fails the test. */
export const refusalOf = async (call: Promise<unknown>): Promise<OutgoingRefused> => {
  const error: unknown = await call.then(
    () => new Error('it answered'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof OutgoingRefused) return error;
  throw error;
};

/** Expects a refusal of this kind that carries nothing of the client library. */
export const expectRefusal = async (call: Promise<unknown>, code: OutgoingCode): Promise<OutgoingRefused> => {
  const refusal = await refusalOf(call);
  expect(`${refusal.code}: ${refusal.message}`).toMatch(new RegExp(`^${code}: `));
  expect(refusal.cause).toBeUndefined();
  return refusal;
};
