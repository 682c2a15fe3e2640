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
