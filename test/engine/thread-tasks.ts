/** Tasks that the tests of the threads run. */
import { RowbeatError } from '../../src/core/errors.ts'
import { skip, snooze } from '../../src/core/outcome.ts'
import type { ProgressReport } from '../../src/core/ports.ts'

export const double = (input: number): number => input * 2

export async function refuse(message: string): Promise<never> {
  throw new RowbeatError('RATE_LIMIT_EXCEEDED', message, { retryAfterSeconds: 7 })
}

export function stumble(): never {
  throw new TypeError('not a code of ours')
}

/** Computes until it is ended. */
export function spin(): never {
  for (;;);
}

/** Takes memory until there is none. */
export function hoard(): never {
  const kept: number[][] = []
  for (;;) kept.push(Array.from({ length: 10_000 }, (_, at) => at + 0.5))
}

/** Takes memory outside of the heap until there is none. */
export function hoardBuffers(): never {
  const kept: Buffer[] = []
  for (;;) kept.push(Buffer.alloc(1_000_000))
}

export function count(input: number, report: (done: number) => void): string {
  for (let done = 1; done <= input; done += 1) report(done)
  return 'counted'
}

export const leave = (): never => process.exit(3)

export const notCloneable = () => () => undefined

export const notCloneableReport = (_: unknown, report: (report: unknown) => void): void => report(() => 1)

export const nothingToDo = (): never => skip('NO_CONTENT', 'there is nothing to compute')

export const later = (seconds: number): never => snooze(seconds)

/** Reports how far it is, as a whole step does. */
export function sum(numbers: readonly number[], report: (report: ProgressReport) => void): { sum: number } {
  let total = 0
  for (const [at, number] of numbers.entries()) {
    total += number
    report({ done: at + 1, total: numbers.length, unit: 'numbers' })
  }
  return { sum: total }
}

export const reportNothing = (_: unknown, report: (report: unknown) => void): void => report(undefined)
