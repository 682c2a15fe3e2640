import { describe, expect, it } from 'vitest'
import { nameCaller } from '../../src/http/caller.ts'

describe('the caller of a request', () => {
  it.each([
    ['127.0.0.1', 'anonymous'],
    ['::1', 'anonymous'],
    ['::ffff:127.0.0.1', 'anonymous'],
    [undefined, 'anonymous'],
    ['x'.repeat(500), 'anonymous'],
    ['192.0.2.7', 'address:192.0.2.7'],
    ['::ffff:192.0.2.7', 'address:192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', 'address:2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', 'address:2001:db8:1:2::/64'],
    ['2001:DB8::9', 'address:2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'address:fe80:0:0:0::/64'],
  ])('at %s is %s', (address, caller) => {
    expect(nameCaller(address)).toBe(caller)
  })
})
