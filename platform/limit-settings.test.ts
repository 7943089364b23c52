import { describe, expect, test } from '@jest/globals';
import { parseProxies, rateSettings } from './limit-settings.ts';

const NOTHING = { rateLimitPerMinute: undefined, rateLimitPerHour: undefined, rateLimits: undefined };

describe('the limits of classes', () => {
  test('are 60 a minute and 1,000 an hour, and five times that for an address', () => {
    const rates = rateSettings(NOTHING);
    for (const name of ['read', 'write', 'start', 'sign-in'] as const)
      expect(rates[name]).toEqual({ perMinute: 60, perHour: 1_000 });
    expect(rates.public).toEqual({ perMinute: 300, perHour: 5_000 });
  });

  test('can be set together, apart, and off', () => {
    const rates = rateSettings({
      rateLimitPerMinute: 0,
      rateLimitPerHour: 7,
      rateLimits: ['start=2/0', 'sign-in=3/4'],
    });
    expect(rates.read).toEqual({ perMinute: 0, perHour: 7 });
    expect(rates.public).toEqual({ perMinute: 0, perHour: 35 });
    expect(rates.start).toEqual({ perMinute: 2, perHour: 0 });
    expect(rates['sign-in']).toEqual({ perMinute: 3, perHour: 4 });
  });

  test.each(['free=1/1', 'read', 'read=1', 'read=-1/2', 'other=1/2', 'constructor=1/1'])(
    'refuse %j and name the variable',
    (text) => {
      expect(() => rateSettings({ ...NOTHING, rateLimits: [text] })).toThrow(/TASKLOOM_RATE_LIMITS/);
    },
  );
});

test.each(['everybody', '10.0.0.0/99', '300.1.1.1', 'toString'])(
  'a proxy called %j is refused, and the variable named',
  (text) => {
    expect(() => parseProxies([text])).toThrow(/TASKLOOM_TRUSTED_PROXIES/);
  },
);
