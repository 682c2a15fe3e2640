import { describe, expect, it } from 'vitest'
import { adviceFor, programFailure } from '../../../src/store/embedded/failures.ts'
import type { Ended } from '../../../src/store/embedded/processes.ts'

const ended: Ended = { code: 1, signal: null, output: '', startError: null }

describe('adviceFor', () => {
  it.each([
    [
      'FATAL:  could not create any TCP/IP sockets\nLOG:  could not bind IPv4 address: Address already in use',
      'port',
    ],
    ['PANIC:  could not write to file "pg_wal/xlogtemp.1": No space left on device', 'disk is full'],
    ['postgres: error while loading shared libraries: libicuuc.so.60: cannot open', 'libicuuc.so.60'],
    ["initdb: /lib/libc.so.6: version `GLIBC_2.34' not found", 'GLIBC_2.34'],
    ['FATAL:  data directory "/x" has invalid permissions', '0700'],
    ['initdb: error: cannot be run as root', 'ordinary user'],
    ['FATAL:  could not map anonymous shared memory: Cannot allocate memory', 'not enough memory'],
    ['could not create directory: Read-only file system', 'read-only'],
    ['could not open file: Permission denied', 'permissions'],
  ])('knows what to do about %j', (text, expected) => {
    expect(adviceFor(text)).toContain(expected)
  })

  it('knows nothing about a text it has never seen', () => {
    expect(adviceFor('the moon is full')).toBeNull()
  })
})

describe('programFailure', () => {
  it.each([
    ['ENOENT', 'missing'],
    ['EACCES', 'may not be executed'],
    ['EPERM', 'ordinary user'],
    ['E2BIG', 'refused to start'],
  ])('explains a program that cannot start with %s', (code, expected) => {
    const startError = Object.assign(new Error(`spawn ${code}`), { code })
    expect(programFailure('initdb', { ...ended, startError }).message).toContain(expected)
  })

  it('quotes the last eight lines of the log, and names the exit code when it has no advice', () => {
    const log = Array.from({ length: 20 }, (_, n) => `line ${n}`).join('\n')
    const { message } = programFailure('Postgres', ended, log)
    expect(message).toContain('exit code 1')
    expect(message).toContain('line 12\n')
    expect(message).not.toContain('line 11\n')
  })
})
