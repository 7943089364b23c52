import ipaddr from 'ipaddr.js';
import { COUNTED_CLASSES, type CountedClass, type Rate, type Rates } from '../domain/limits/rate.ts';
import type { Env } from './env.ts';

const DEFAULT: Rate = { perMinute: 60, perHour: 1_000 };
/** Many people may share an address. */
const PUBLIC_FACTOR = 5;

const OVERRIDE = /^([a-z-]+)=(\d{1,9})\/(\d{1,9})$/;

const isCounted = (name: string): name is CountedClass =>
  (COUNTED_CLASSES as readonly string[]).includes(name);

/** How many requests each class of operations lets through. @throws Error that names the variable to change. */
export const rateSettings = (
  env: Pick<Env, 'rateLimitPerMinute' | 'rateLimitPerHour' | 'rateLimits'>,
): Rates => {
  const base: Rate = {
    perMinute: env.rateLimitPerMinute ?? DEFAULT.perMinute,
    perHour: env.rateLimitPerHour ?? DEFAULT.perHour,
  };
  const open: Rate = { perMinute: base.perMinute * PUBLIC_FACTOR, perHour: base.perHour * PUBLIC_FACTOR };
  const rates = { read: base, write: base, start: base, 'sign-in': base, public: open };
  for (const text of env.rateLimits ?? []) {
    const [, name = '', perMinute, perHour] = OVERRIDE.exec(text) ?? [];
    if (!isCounted(name))
      throw new Error(
        `TASKLOOM_RATE_LIMITS must be a list like read=120/5000 of ${COUNTED_CLASSES.join(', ')}, but has "${text}"`,
      );
    rates[name] = { perMinute: Number(perMinute), perHour: Number(perHour) };
  }
  return rates;
};

const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** An address and the length of the part that counts. */
export type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

const network = (text: string): Network => {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  if (!ipaddr.isValid(text))
    throw new Error(
      `TASKLOOM_TRUSTED_PROXIES must list addresses, networks or ${Object.keys(NAMED).join(', ')}, but has "${text}"`,
    );
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
};

/** The networks of a list of proxies. @throws Error that names the variable to change. */
export const parseProxies = (list: readonly string[]): readonly Network[] =>
  list.flatMap((text) => NAMED[text] ?? [text]).map(network);
