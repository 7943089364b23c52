import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Where requests may go although the rule forbids it: names as they stand in the URL, addresses as they are connected to. */
export interface Allowance {
  allowsName(host: string, port: number): boolean;
  allowsAddress(address: string, port: number): boolean;
}

interface Entry {
  readonly name: string | null;
  readonly range: readonly [ipaddr.IPv4 | ipaddr.IPv6, number] | null;
  readonly port: number | null;
}

const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** A cloud's metadata service on an address that looks public. */
const METADATA = new Set(['168.63.129.16']);

/** An IPv4 address that is written as IPv6 becomes what it stands for; NAT64 leads to it too. */
const plainAddress = (address: string): ipaddr.IPv4 | ipaddr.IPv6 => {
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) return parsed;
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address();
  return parsed.match(NAT64) ? new ipaddr.IPv4(parsed.toByteArray().slice(12)) : parsed;
};

/** Whether an address (IPv4 or IPv6, as text) belongs to the public internet: none that is private, local or reserved. */
export const isPublicAddress = (address: string): boolean => {
  if (isIP(address) === 0) return false;
  const plain = plainAddress(address);
  if (plain.range() !== 'unicast' || METADATA.has(plain.toString())) return false;
  return plain instanceof ipaddr.IPv4 || plain.match(GLOBAL_UNICAST);
};

/** The host of a URL without the brackets of IPv6 and the dot of a complete name. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');

export const portOf = (url: URL): number => Number(url.port || (url.protocol === 'https:' ? 443 : 80));

const toRange = (text: string): Entry['range'] => {
  if (isIP(text) !== 0) {
    const plain = plainAddress(text);
    return [plain, plain instanceof ipaddr.IPv4 ? 32 : 128];
  }
  return text.includes('/') && ipaddr.isValidCIDR(text) ? ipaddr.parseCIDR(text) : null;
};

const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

const toEntry = (text: string): Entry | null => {
  const whole = toRange(text);
  if (whole) return { name: null, range: whole, port: null };
  const parts = /^(?:\[([^\]]+)\]|([^:/]+))(?::(\d{1,5}))?$/.exec(text.toLowerCase());
  const host = parts?.[1] ?? parts?.[2];
  if (host === undefined) return null;
  const port = parts?.[3] === undefined ? null : Number(parts[3]);
  if (port !== null && (port < 1 || port > 65_535)) return null;
  const range = toRange(host);
  if (range) return { name: null, range, port };
  return NAME.test(host) ? { name: host, range: null, port } : null;
};

const contains = ([network, bits]: NonNullable<Entry['range']>, address: string): boolean => {
  const plain = plainAddress(address);
  if (plain instanceof ipaddr.IPv4) return network instanceof ipaddr.IPv4 && plain.match(network, bits);
  return network instanceof ipaddr.IPv6 && plain.match(network, bits);
};

/**
 * Reads a list of exceptions: a name, an address, either with a port (`[::1]:8080` for IPv6), or a network as CIDR.
 * @throws Error that names TASKLOOM_OUTGOING_ALLOW and the entry.
 */
export const parseAllowance = (list: readonly string[]): Allowance => {
  const entries = list.map((text) => {
    const entry = toEntry(text.trim());
    if (entry) return entry;
    throw new Error(`TASKLOOM_OUTGOING_ALLOW: "${text}" is no host, host:port or network like 10.0.0.0/8`);
  });
  const fits = (entry: Entry, port: number): boolean => entry.port === null || entry.port === port;
  return {
    allowsName: (host, port) =>
      entries.some((entry) => entry.name === host.toLowerCase() && fits(entry, port)),
    allowsAddress: (address, port) =>
      isIP(address) !== 0 &&
      entries.some((entry) => entry.range !== null && fits(entry, port) && contains(entry.range, address)),
  };
};
