import { describe, expect, it } from 'vitest'
import { readConfig } from '../src/config.ts'

const DATABASE_URL = 'postgres://me@pooler:6432/rowbeat'
const LISTEN_DATABASE_URL = 'postgresql://me@db:5432/rowbeat'

describe('LISTEN_DATABASE_URL', () => {
  it('is a second way to the database of DATABASE_URL', () => {
    expect(readConfig({ DATABASE_URL, LISTEN_DATABASE_URL })).toMatchObject({
      databaseUrl: DATABASE_URL,
      listenDatabaseUrl: LISTEN_DATABASE_URL,
    })
  })

  it('is left out by most, and empty means left out', () => {
    expect(readConfig({}).listenDatabaseUrl).toBeNull()
    expect(readConfig({ DATABASE_URL, LISTEN_DATABASE_URL: '' }).listenDatabaseUrl).toBeNull()
  })

  it('is refused without a DATABASE_URL, and when it is no URL of Postgres', () => {
    expect(() => readConfig({ LISTEN_DATABASE_URL })).toThrow(
      'LISTEN_DATABASE_URL belongs to DATABASE_URL, which is not set',
    )
    expect(() => readConfig({ DATABASE_URL, LISTEN_DATABASE_URL: 'mysql://db/x' })).toThrow(
      'LISTEN_DATABASE_URL must begin with postgres:// or postgresql://',
    )
  })
})

describe('MIGRATE_DATABASE_URL', () => {
  it.each([
    ['mysql://db/x', 'must begin with postgres:// or postgresql://'],
    ['postgres://me@one,two/rowbeat', 'names several hosts'],
    ['postgres://me:pa#ss@db/rowbeat', 'has #, @, /, ? or a space in the user or password'],
    ['postgres://me@db/rowbeat?options=-c%20x', 'has parameters that are not honoured'],
  ])('%s is refused as it is for DATABASE_URL', (url, sentence) => {
    expect(() => readConfig({ DATABASE_URL, MIGRATE_DATABASE_URL: url })).toThrow(
      `MIGRATE_DATABASE_URL ${sentence}`,
    )
  })

  it('is the same database as somebody else, and belongs to DATABASE_URL', () => {
    const MIGRATE_DATABASE_URL = 'postgres://owner:p%23@db:5432/rowbeat'
    expect(readConfig({ DATABASE_URL, MIGRATE_DATABASE_URL }).migrateDatabaseUrl).toBe(MIGRATE_DATABASE_URL)
    expect(() => readConfig({ MIGRATE_DATABASE_URL })).toThrow(
      'MIGRATE_DATABASE_URL belongs to DATABASE_URL, which is not set',
    )
  })
})

describe('DATABASE_URL', () => {
  const problem = (url: string): string => {
    try {
      readConfig({ DATABASE_URL: url })
      return 'none'
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  it.each([
    'postgres://me@db/rowbeat',
    'postgres://me:p%40ss%23%2F@db:5432/rowbeat?sslmode=require&application_name=myapp',
    'postgresql:///rowbeat?host=/var/run/postgresql',
    'postgres://me@[::1]:5432/rowbeat',
  ])('takes %s', (url) => {
    expect(problem(url)).toBe('none')
  })

  it.each([
    ['two hosts', 'postgres://me@a:5432,b:5432/rowbeat', 'names several hosts'],
    ['a raw # in the password', 'postgres://me:p#w@db/rowbeat', '%23'],
    ['a raw @ in the password', 'postgres://me:p@w@db/rowbeat', '%40'],
    ['a raw / in the password', 'postgres://me:p/w@db/rowbeat', '%2F'],
    ['a raw ? in the password', 'postgres://me:p?w@db/rowbeat', '%3F'],
    ['a raw % in the password', 'postgres://me:p%w@db/rowbeat', '%25'],
    [
      'parameters that are not honoured',
      'postgres://me@db/rowbeat?options=-c%20a&pgbouncer=true',
      'options, pgbouncer',
    ],
  ])('with %s is refused in one sentence', (_what, url, words) => {
    expect(problem(url)).toContain(words)
    expect(problem(url)).not.toContain('Invalid URL')
  })
})
