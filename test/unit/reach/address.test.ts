import { canonical, specialUse } from '../../../connectors/reach/address.ts'
import { rangeOf } from '../../../connectors/reach/range.ts'

const useOf = (text: string) => specialUse(canonical(text) ?? '')

test('an address has one spelling: mapped IPv4 with dots, IPv6 compressed and without a zone', () => {
  const spellings = { '10.0.0.1': '10.0.0.1', '::ffff:10.0.0.1': '10.0.0.1', '::FFFF:A00:1': '10.0.0.1', '0:0:0:0:0:ffff:0a00:0001': '10.0.0.1', 'FE80::1%eth0': 'fe80::1', '2A00:0:0:0:0:0:0:1': '2a00::1', '010.0.0.1': undefined, '2130706433': undefined, 'a.example': undefined, '': undefined }
  expect(Object.fromEntries(Object.keys(spellings).map(text => [text, canonical(text)]))).toEqual(spellings)
})

test('D-85: what lies beside the hub, or belongs to a cloud, is no address of the internet', () => {
  const inner = {
    loopback: ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1'],
    private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', 'fc00::1', 'fd00:ec2::254', 'fdff::', 'fec0::1', '::ffff:192.168.1.1', '64:ff9b::10.0.0.1'],
    'link-local': ['169.254.169.254', 'fe80::1', 'febf::1%2', '::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe'],
    'shared by customers of a provider': ['100.64.0.1', '100.100.100.200', '100.127.255.255'],
    'metadata of a cloud': ['168.63.129.16'],
    multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
    unspecified: ['0.0.0.0', '0.1.2.3', '::', '64:ff9b::'],
    reserved: ['240.0.0.1', '255.255.255.255', '::7f00:1', '::ffff:0:7f00:1', '64:ff9b:1::7f00:1', '4000::1', '5f00::1'],
    'a tunnel of 6to4': ['2002:7f00:1::', '2002:808:808::'],
    'for protocols': ['192.0.0.192', '2001::1', '2001:0:7f00:1::'],
    'for documentation': ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
    'for benchmarks': ['198.18.0.1', '198.19.255.255'],
  }
  for (const [use, addresses] of Object.entries(inner)) expect(addresses.map(address => [address, useOf(address)])).toEqual(addresses.map(address => [address, use]))
})

test('addresses of the internet are just that, also where they come through NAT64, and right beside a special range', () => {
  const outer = ['8.8.8.8', '1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0', '223.255.255.255', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2606:4700::1111', '2a00:1450:4001::200e', '2001:4860:4860::8888']
  expect(outer.map(address => [address, useOf(address)])).toEqual(outer.map(address => [address, undefined]))
})

test('a range has an address and a length, or is one address', () => {
  expect(['10.0.0.0/33', '::/129', '10.0.0/8', '10.0.0.0/', '10.0.0.0/-1', 'fe80::1%eth0', 'a.example/8', '/8', ''].map(rangeOf)).toEqual(Array(9).fill(undefined))
  const holds = (range: string, address: string) => rangeOf(range)?.(address)
  expect([holds('10.1.0.0/16', '10.1.255.255'), holds('10.1.0.0/16', '10.2.0.0'), holds('10.1.2.3', '10.1.2.3'), holds('10.1.2.3', '10.1.2.4'), holds('fc00::/7', 'fd00::1'), holds('0.0.0.0/0', '::1'), holds('0.0.0.0/0', '::ffff:10.0.0.1')]).toEqual([true, false, true, false, true, false, false])
})
