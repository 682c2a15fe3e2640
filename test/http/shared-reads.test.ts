import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createShare } from '../../src/http/shared-reads.ts'

interface Read {
  readonly name: string
  end(answer: unknown): Promise<void>
  fail(error: Error): Promise<void>
}

/** A share, and every read that it began, to be ended by hand. */
function setUp() {
  const share = createShare()
  const reads: Read[] = []
  const settle = async (): Promise<void> => {
    await vi.advanceTimersByTimeAsync(0)
  }
  const ask = (name: string): Promise<unknown> =>
    share(
      name,
      () =>
        new Promise((resolve, reject) => {
          reads.push({
            name,
            end: (answer) => {
              resolve(answer)
              return settle()
            },
            fail: (error) => {
              reject(error)
              return settle()
            },
          })
        }),
    )
  return { ask, reads }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('shared reads', () => {
  it('answer a crowd by two: that of the first, and one for all who came while it was under way', async () => {
    const { ask, reads } = setUp()
    const first = ask('a')
    const others = Array.from({ length: 999 }, () => ask('a'))
    expect(reads).toHaveLength(1)
    await reads[0]?.end('old')
    expect(await first).toBe('old')
    expect(reads).toHaveLength(2)
    await reads[1]?.end('new')
    expect(new Set(await Promise.all(others))).toEqual(new Set(['new']))
    expect(reads).toHaveLength(2)
  })

  it('never give an answer that was read before the question', async () => {
    const { ask, reads } = setUp()
    const answers = [ask('a'), ask('a')]
    await reads[0]?.end(1)
    answers.push(ask('a'))
    await reads[1]?.end(2)
    await reads[2]?.end(3)
    answers.push(ask('a'))
    await reads[3]?.end(4)
    expect(await Promise.all(answers)).toEqual([1, 2, 3, 4])
  })

  it('of different names have nothing to do with each other', async () => {
    const { ask, reads } = setUp()
    const answers = Promise.all([ask('a'), ask('b')])
    expect(reads.map((read) => read.name)).toEqual(['a', 'b'])
    await reads[1]?.end('b')
    await reads[0]?.end('a')
    expect(await answers).toEqual(['a', 'b'])
  })

  it('fail for all who share them, and for nobody else', async () => {
    const { ask, reads } = setUp()
    const first = expect(ask('a')).rejects.toThrow('first')
    const others = [1, 2].map(() => expect(ask('a')).rejects.toThrow('second'))
    await reads[0]?.fail(new Error('first'))
    await first
    await reads[1]?.fail(new Error('second'))
    await Promise.all(others)
    const last = ask('a')
    await reads[2]?.end('fine')
    expect(await last).toBe('fine')
  })

  it('do not wait for one that hangs', async () => {
    const { ask, reads } = setUp()
    const hung = ask('a')
    const second = ask('a')
    await vi.advanceTimersByTimeAsync(999)
    expect(reads).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    await reads[1]?.end('second')
    expect(await second).toBe('second')
    const third = ask('a')
    await reads[2]?.end('third')
    expect(await third).toBe('third')
    await reads[0]?.end('late')
    expect(await hung).toBe('late')
    expect(reads).toHaveLength(3)
  })
})
