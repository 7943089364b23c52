import { describe, expect, test } from '@jest/globals';
import { toLanguage, toTimeZone } from './general.ts';
import { logLevelWord, toLogLevel } from './log-level.ts';

const refusal = expect.objectContaining({ code: 'validation_error' });

describe('general settings', () => {
  test.each([
    ['en', 'en'],
    ['de-at', 'de-AT'],
    ['PT-br', 'pt-BR'],
    ['zh-hant-tw', 'zh-Hant-TW'],
  ])('know the language %s', (given, language) => {
    expect(toLanguage(given)).toBe(language);
  });

  test.each(['', 'e', 'english, please', 'de_DE', '"><script>', '*'])(
    'do not know the language %j',
    (given) => {
      expect(() => toLanguage(given)).toThrow(refusal);
    },
  );

  test.each([
    ['UTC', 'UTC'],
    ['europe/berlin', 'Europe/Berlin'],
    ['America/New_York', 'America/New_York'],
  ])('know the time zone %s', (given, zone) => {
    expect(toTimeZone(given)).toBe(zone);
  });

  test.each(['', 'Nowhere/City', 'Europe', '../etc/passwd'])('do not know the time zone %j', (given) => {
    expect(() => toTimeZone(given)).toThrow(refusal);
  });
});

describe('a level of the log', () => {
  test.each([
    ['INFO', 'info', 'INFO'],
    ['warning', 'warn', 'WARNING'],
    ['Warn', 'warn', 'WARNING'],
    ['debug', 'debug', 'DEBUG'],
  ])('is %s in any case', (given, level, word) => {
    expect(toLogLevel(given)).toBe(level);
    expect(logLevelWord(level)).toBe(word);
  });

  test.each(['', 'silent', 'toString', 'INFO '])('is not %j', (given) => {
    expect(() => toLogLevel(given)).toThrow(refusal);
  });

  test('that only the environment can choose is shown as it is', () => {
    expect(logLevelWord('silent')).toBe('SILENT');
  });
});
