/** What is printed as advice, read as a person at night would: words, and SQL that follows a colon or stands alone. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { openSession } from '../support/sessions.ts'
import type { Row, Sql } from './staging.ts'

export interface Step {
  readonly statement: string
  /** The words before it name an administrator; holds for all that follows, too. */
  readonly byAdministrator: boolean
}

const SQL =
  /^(?:(.*?): )?((?:select|insert|update|delete|alter|vacuum|reindex|rollback|set|grant|create) .*)$/s

/** The SQL of an advice in order: its parts stand between semicolons. Throws for SQL that stands somewhere else. */
export function stepsOf(advice: string): Step[] {
  let byAdministrator = false
  return advice.split('; ').flatMap((part) => {
    const [, words = '', statement] = SQL.exec(part) ?? []
    byAdministrator ||= (statement === undefined ? part : words).includes('administrator')
    if (statement === undefined) {
      if (/\bselect \w|\bupdate \w+\.|rowbeat\.\w/.test(part))
        throw new Error(`SQL that nobody can tell from words: ${part}`)
      return []
    }
    if (statement.includes('…')) throw new Error(`SQL that cannot be run as it stands: ${statement}`)
    return [{ statement, byAdministrator }]
  })
}

export interface Logins {
  /** To connect with as the login of a role. */
  urlOf(role: 'operator' | 'producer' | 'reader'): string
  /** Runs a statement as a login whose only right is the role `rowbeat_<role>`. */
  as(role: 'operator' | 'producer' | 'reader', text: string): Promise<Row[]>
  /** Runs the SQL of an advice: the operator's in one transaction that is rolled back, the administrator's after it. */
  follow(advice: string, options?: { readonly keep?: boolean }): Promise<void>
}

const ROLES = ['operator', 'producer', 'reader'] as const

/** Logins for the tests of a file, as people get them. Roles belong to the whole server, so nobody else has their names. */
export function useLogins(sql: Sql): Logins {
  const suffix = randomBytes(4).toString('hex')
  const nameOf = (role: string): string => `rowbeat_test_advice_${role}_${suffix}`
  const urlOf = (role: string): string => {
    const url = new URL(sql.url)
    url.username = nameOf(role)
    url.password = suffix
    return url.href
  }
  const clients = new Map<string, pg.Client>()
  beforeAll(async () => {
    for (const role of ROLES) {
      await sql.engine.query(`create role ${nameOf(role)} login password '${suffix}' in role rowbeat_${role}`)
      clients.set(role, await openSession(urlOf(role), { application_name: 'psql', options: '-c jit=off' }))
    }
  })
  afterAll(async () => {
    for (const client of clients.values()) await client.end()
    for (const role of ROLES) await sql.engine.query(`drop role ${nameOf(role)}`)
  })
  const as: Logins['as'] = async (role, text) => {
    const client = clients.get(role)
    if (client === undefined) throw new Error('logins exist only while hooks and tests run')
    return (await client.query<Row>(text)).rows
  }
  return {
    urlOf,
    as,
    follow: async (advice, { keep = false } = {}) => {
      const steps = stepsOf(advice)
      await as('operator', 'begin')
      try {
        for (const step of steps) if (!step.byAdministrator) await as('operator', step.statement)
      } finally {
        await as('operator', keep ? 'commit' : 'rollback')
      }
      for (const step of steps) if (step.byAdministrator) await runAsAdministrator(sql, step.statement)
    },
  }
}

/** What a stubbed finding names does not exist: then the statement at least got as far as looking for it. */
async function runAsAdministrator(sql: Sql, statement: string): Promise<void> {
  try {
    await sql.hand(statement)
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === '42704') return
    throw error
  }
}
