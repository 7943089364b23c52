import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import type { Network } from '../../platform/limit-settings.ts';

/** Who has one address of such a network has all of them. */
const IPV6_NETWORK = 64;

const isWithin = (address: ipaddr.IPv4 | ipaddr.IPv6, [base, bits]: Network): boolean =>
  address.kind() === base.kind() && address.match(base, bits);

const parse = (text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined =>
  ipaddr.isValid(text) ? ipaddr.process(text) : undefined;

/**
 * The address of a request's client: the connection's own, or what trusted proxies say of it, read from the nearest hop
 * outwards. What an untrusted one says, and what is no address, is not believed.
 */
export const clientAddress = (req: IncomingMessage, trusted: readonly Network[]): string => {
  const hops = (trusted.length > 0 ? String(req.headers['x-forwarded-for'] ?? '') : '').split(',');
  let client = parse(req.socket.remoteAddress ?? '');
  const isProxy = (address: ipaddr.IPv4 | ipaddr.IPv6): boolean =>
    trusted.some((proxy) => isWithin(address, proxy));
  while (client && isProxy(client)) {
    const further = parse((hops.pop() ?? '').trim());
    if (!further) break;
    client = further;
  }
  return client?.toString() ?? 'unknown';
};

/** What requests from an address are counted for: the address, or with IPv6 the network that one customer has. */
export const addressKey = (address: string): string => {
  const parsed = parse(address);
  if (parsed?.kind() !== 'ipv6') return address;
  return ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/${IPV6_NETWORK}`).toString();
};
