import { expect, test } from '@jest/globals';
import { jsonIn } from './json-text.ts';

test.each([
  ['a bare value', '{"a":1}', { a: 1 }],
  ['a value with space around it', '\n {"a":1} \n', { a: 1 }],
  ['a fenced value', 'Sure:\n```json\n{"a":1}\n```\nDone.', { a: 1 }],
  ['a fence without a language', '```\n[1,2]\n```', [1, 2]],
  ['a value between words', 'Here it is: {"a":{"b":"}"}} I hope it helps.', { a: { b: '}' } }],
  ['a bare number', '7', 7],
])('finds %s', (_what, text, value) => {
  expect(jsonIn(text)).toEqual({ value });
});

test.each(['', 'no value at all', '{"a":', '} and {'])('finds nothing in %j', (text) => {
  expect(jsonIn(text)).toBeUndefined();
});
