import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Json } from '../json.ts';
import { MAX_VALUE_BYTES, readValue, type SettingType } from './setting.ts';

describe('a value', () => {
  test.each<[SettingType, Json, Json]>([
    ['string', '', ''],
    ['string', '12', '12'],
    ['int', 12, 12],
    ['int', '12', 12],
    ['int', '-7', -7],
    ['int', '9007199254740991', 9007199254740991],
    ['bool', true, true],
    ['bool', 'false', false],
    ['json', { a: [1, null] }, { a: [1, null] }],
    ['json', '{"a":[1,null]}', { a: [1, null] }],
    ['json', '"text"', 'text'],
    ['json', 'null', null],
    ['json', null, null],
    ['json', 7, 7],
  ])('of type %s is read from %j', (type, given, value) => {
    expect(JSON.stringify(readValue(type, given))).toBe(JSON.stringify(value));
  });

  test.each<[SettingType, Json]>([
    ['string', 12],
    ['string', null],
    ['string', ['a']],
    ['int', 1.5],
    ['int', '1.5'],
    ['int', ''],
    ['int', ' 1'],
    ['int', '0x10'],
    ['int', '1e3'],
    ['int', '9007199254740993'],
    ['int', 1e300],
    ['int', true],
    ['int', null],
    ['bool', 1],
    ['bool', 'yes'],
    ['bool', 'True'],
    ['bool', null],
    ['json', 'text'],
    ['json', ''],
    ['json', '{"a":'],
    ['json', '[1e400]'],
    ['json', { deep: [Number.POSITIVE_INFINITY] }],
  ])('of type %s is refused: %j', (type, given) => {
    expect(() => readValue(type, given)).toThrow(expect.objectContaining({ code: 'validation_error' }));
  });

  test('has one zero', () => {
    expect(readValue('int', -0)).toBe(0);
    expect(readValue('int', '-0')).toBe(0);
  });

  test('has its bound in bytes of JSON, not in characters', () => {
    expect(readValue('string', 'x'.repeat(MAX_VALUE_BYTES - 2))).toHaveLength(MAX_VALUE_BYTES - 2);
    expect(() => readValue('string', 'x'.repeat(MAX_VALUE_BYTES - 1))).toThrow(/at most 32768 bytes/);
    expect(() => readValue('string', 'ü'.repeat(MAX_VALUE_BYTES / 2))).toThrow(/at most 32768 bytes/);
  });

  test('of type json is the same whether given as JSON or as its text', () => {
    fc.assert(
      fc.property(
        fc.jsonValue().filter((value) => typeof value !== 'string'),
        (value) => {
          const text = JSON.stringify(value);
          expect(JSON.stringify(readValue('json', JSON.parse(text) as Json))).toBe(text);
          expect(JSON.stringify(readValue('json', text))).toBe(text);
        },
      ),
    );
  });
});
