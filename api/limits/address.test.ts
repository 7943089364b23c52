import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { parseProxies } from '../../platform/limit-settings.ts';
import { addressKey, clientAddress } from './address.ts';

const from = (remoteAddress: string, forwarded?: string): IncomingMessage =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;

describe('the address of a client', () => {
  test.each([
    ['nobody is trusted', '10.1.2.3', '203.0.113.7', [], '10.1.2.3'],
    ['the proxy is trusted', '10.1.2.3', '203.0.113.7', ['10.0.0.0/8'], '203.0.113.7'],
    ['another proxy is trusted', '10.1.2.3', '203.0.113.7', ['192.168.0.0/16'], '10.1.2.3'],
    ['the client says more than is true', '10.1.2.3', '1.1.1.1, 203.0.113.7', ['10.0.0.0/8'], '203.0.113.7'],
    ['two proxies are trusted', '::1', '203.0.113.7, 10.9.9.9', ['loopback', 'uniquelocal'], '203.0.113.7'],
    ['the proxy says nothing', '127.0.0.1', undefined, ['loopback'], '127.0.0.1'],
    ['the proxy says nonsense', '127.0.0.1', '203.0.113.7, <script>', ['loopback'], '127.0.0.1'],
    ['it is IPv4 in IPv6', '::ffff:127.0.0.1', '203.0.113.7', ['loopback'], '203.0.113.7'],
    ['all hops are proxies', '127.0.0.1', '10.0.0.1', ['loopback', 'uniquelocal'], '10.0.0.1'],
  ])('when %s', (_when, remote, forwarded, trusted, expected) => {
    expect(clientAddress(from(remote, forwarded), parseProxies(trusted))).toBe(expected);
  });

  test('counts as its network with IPv6, and alone with IPv4', () => {
    expect(addressKey('2001:db8:1:2:3:4:5:6')).toBe(addressKey('2001:db8:1:2:ffff::1'));
    expect(addressKey('2001:db8:1:2::1')).not.toBe(addressKey('2001:db8:1:3::1'));
    expect(addressKey('203.0.113.7')).toBe('203.0.113.7');
    expect(addressKey('unknown')).toBe('unknown');
  });
});
