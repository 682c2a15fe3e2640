/** What a command says when it cannot go on, and the code that it ends with. */
import { ConfigError } from '../config.ts'
import { isDatabaseOutage } from '../core/errors.ts'

/** The process's answer: 0 done, 1 failed, 2 the command or the configuration is wrong. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** A command that cannot be understood; the message is for the person who typed it. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

/** Something that a person can change; the message says what. */
export class Failure extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'Failure'
  }
}

export interface Explanation {
  readonly text: string
  readonly exitCode: ExitCode
}

/** What to say about anything thrown. Only our own faults show their stack. */
export function explainFault(error: unknown): Explanation {
  if (error instanceof UsageError) return { text: sentence(error.message), exitCode: EXIT.usage }
  if (error instanceof ConfigError) return { text: sentence(error.message), exitCode: EXIT.usage }
  if (error instanceof Failure) return { text: sentence(error.message), exitCode: EXIT.failed }
  if (isDatabaseOutage(error)) {
    const message = error instanceof Error ? error.message : ''
    return { text: `The database cannot be reached: ${message}`, exitCode: EXIT.failed }
  }
  return { text: faultOfOurs(error), exitCode: EXIT.failed }
}

/**
 * The {@link Failure} for what starting threw. Starting throws sentences for a person, but a mistake in our code
 * is no sentence and stays what it is. `retry` is the command to type with another port.
 */
export function startFailure(
  error: unknown,
  retry: { readonly port: number; readonly command: string },
): unknown {
  if (error instanceof Failure || error instanceof ConfigError || isMistake(error)) return error
  if (!(error instanceof Error)) return error
  if (codeOf(error) === 'EADDRINUSE' || codeOf(error.cause) === 'EADDRINUSE') {
    return new Failure(
      `port ${retry.port} is taken by another program, perhaps another Rowbeat. Stop it, or choose another port: PORT=${freeGuess(retry.port)} ${retry.command}`,
      error,
    )
  }
  return new Failure(error.message, error)
}

function freeGuess(port: number): number {
  return port >= 65_535 ? 3001 : port + 1
}

/** Kinds of error that only wrong code throws. */
function isMistake(error: unknown): boolean {
  return (
    error instanceof TypeError ||
    error instanceof ReferenceError ||
    error instanceof SyntaxError ||
    error instanceof RangeError
  )
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

function faultOfOurs(error: unknown): string {
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const message = error instanceof Error ? error.message : String(error)
  return `${message}\nThis is a fault of ours. Please report it with these lines:\n${details}`
}

/** With a capital when it begins with a plain word; addresses and names of settings stay as they are. */
function sentence(text: string): string {
  return /^[a-z]+ /.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text
}
