import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** Runs the command line in a process of its own, with nothing of this one's settings. */
function rowbeat(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { env: { PATH: process.env.PATH ?? '', ...env }, timeout: 30_000 },
      (error, out, err) => {
        if (error === null) resolve({ code: 0, out, err })
        else if (typeof error.code === 'number') resolve({ code: error.code, out, err })
        else reject(error)
      },
    )
  })
}

describe.concurrent('the process', () => {
  it('prints help and version on standard output and ends with 0', async () => {
    const [help, version] = await Promise.all([rowbeat(['--help']), rowbeat(['version'])])
    expect(help).toMatchObject({ code: 0, err: '' })
    expect(help.out).toContain('Commands\n')
    expect(version).toMatchObject({ code: 0, err: '' })
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it('ends with 2 and one line for a command that it does not know', async () => {
    expect(await rowbeat(['migarte'])).toEqual({
      code: 2,
      out: '',
      err: 'There is no command "migarte". Did you mean migrate?\n',
    })
  })

  it('ends with 2 and every problem of the configuration', async () => {
    const { code, out, err } = await rowbeat(['start'], { PORT: 'many', LOG_LEVEL: 'loud', ROWBEAT_X: '1' })
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/3 problems:\n {2}PORT .*\n {2}LOG_LEVEL .*\n {2}ROWBEAT_X .*\n$/)
  })

  it('ends with 2 for a domain that cannot be one, and guesses what was meant', async () => {
    const { code, err } = await rowbeat(['audit', 'https://example.org/blog'])
    expect(code).toBe(2)
    expect(err).toMatch(/^Give the bare domain.*Did you mean example\.org\?\n$/)
  })

  it('ends with 1 and no stack when the database cannot be reached', async () => {
    const env = { DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:1/none' }
    const { code, err } = await rowbeat(['migrate'], env)
    expect(code).toBe(1)
    expect(err).toBe(
      'Nothing listens at postgres://127.0.0.1:1/none: start Postgres there or correct DATABASE_URL\n',
    )
  })

  it('ends with 1 and names MIGRATE_DATABASE_URL when that cannot be reached', async () => {
    const env = {
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      MIGRATE_DATABASE_URL: 'postgres://owner:secret@127.0.0.1:2/none',
    }
    const { code, err } = await rowbeat(['migrate'], env)
    expect(code).toBe(1)
    expect(err).toBe(
      'Nothing listens at postgres://127.0.0.1:2/none: start Postgres there or correct MIGRATE_DATABASE_URL\n',
    )
  })

  it('ends with 1 when no server is ready', async () => {
    const { code, out, err } = await rowbeat(['healthcheck'], { HOST: '127.0.0.1', PORT: '9' })
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^http:\/\/127\.0\.0\.1:9\/health\/ready cannot be reached: .*\n$/)
  })
})
