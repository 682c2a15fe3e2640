import { describe, expect, it } from 'vitest'
import { explainFault, Failure, startFailure, UsageError } from '../../src/cli/faults.ts'
import { ConfigError } from '../../src/config.ts'

const retry = { port: 3000, command: 'npm run demo' }

function systemError(code: string): Error {
  return Object.assign(new Error(`listen ${code}`), { code })
}

describe('an error that a person can mend', () => {
  it('is told in a sentence without a stack', () => {
    expect(explainFault(new Failure('the disk is full'))).toEqual({ text: 'The disk is full', exitCode: 1 })
    expect(explainFault(new UsageError('audit needs a domain'))).toEqual({
      text: 'Audit needs a domain',
      exitCode: 2,
    })
  })

  it('keeps addresses and names of settings as they are', () => {
    expect(explainFault(new Failure('http://a.test is down')).text).toBe('http://a.test is down')
    expect(explainFault(new Failure('port_x is wrong')).text).toBe('port_x is wrong')
  })

  it('tells all problems of the configuration at once', () => {
    const { text, exitCode } = explainFault(new ConfigError(['PORT must be at least 0', 'HOST is wrong']))
    expect(text).toBe('The configuration has 2 problems:\n  PORT must be at least 0\n  HOST is wrong')
    expect(exitCode).toBe(2)
  })

  it('is a lost database', () => {
    const { text, exitCode } = explainFault(systemError('ECONNREFUSED'))
    expect([text, exitCode]).toEqual(['The database cannot be reached: listen ECONNREFUSED', 1])
  })
})

it('a fault of ours is told with its stack', () => {
  const { text, exitCode } = explainFault(new TypeError('x is undefined'))
  expect(text).toMatch(/^x is undefined\nThis is a fault of ours\..*\nTypeError: x is undefined\n {4}at /)
  expect(exitCode).toBe(1)
  expect(explainFault('thrown text').text).toContain('thrown text\nThis is a fault of ours.')
})

describe('what starting throws', () => {
  it.each([
    systemError('EADDRINUSE'),
    new Error('port 3000 of 127.0.0.1 is taken', { cause: systemError('EADDRINUSE') }),
  ])('names another port when this one is taken: %s', (error) => {
    const failure = startFailure(error, retry)
    expect(failure).toBeInstanceOf(Failure)
    expect(String(failure)).toContain('port 3000 is taken')
    expect(String(failure)).toContain('PORT=3001 npm run demo')
  })

  it('names a port that exists beside the last one', () => {
    expect(String(startFailure(systemError('EADDRINUSE'), { ...retry, port: 65_535 }))).toContain('PORT=3001')
  })

  it('is a sentence for a person, unless it is a mistake in our code', () => {
    expect(startFailure(new Error('the data is of another version'), retry)).toBeInstanceOf(Failure)
    const mistake = new TypeError('x is undefined')
    expect(startFailure(mistake, retry)).toBe(mistake)
    const config = new ConfigError(['PORT is wrong'])
    expect(startFailure(config, retry)).toBe(config)
  })
})
