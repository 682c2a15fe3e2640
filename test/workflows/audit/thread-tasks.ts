/** Tasks that the tests of the threads run. */
import { RowbeatError } from '../../../src/core/errors.ts'

export const double = (input: number): number => input * 2

export async function refuse(message: string): Promise<never> {
  throw new RowbeatError('RATE_LIMIT_EXCEEDED', message)
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

export function count(input: number, report: (done: number) => void): string {
  for (let done = 1; done <= input; done += 1) report(done)
  return 'counted'
}

export const leave = (): never => process.exit(3)

export const notCloneable = () => () => undefined
