/** Crowds that ask for the same: one read answers all who asked before it began. */

/** Runs `read`, or shares one of the same name; the name must say everything that the answer depends on. */
export type Share = <Answer>(name: string, read: () => Promise<Answer>) => Promise<Answer>

/** A read that takes longer than this is no longer waited for: the next one begins beside it. */
const PATIENCE_MS = 1_000

interface Flight {
  /** Ends when the read has, or has taken too long; never fails. */
  readonly over: Promise<void>
  /** The read of those who asked while this one was under way. */
  next: Promise<unknown> | null
}

/**
 * Makes a {@link Share}. An answer is never older than the question: who asks while a read is under way does not get
 * its answer, but shares the next one, which begins when that ends or after {@link PATIENCE_MS}. So a crowd costs two
 * reads, and each name has one under way at a time, or one more per second while they are slow. A failure is the
 * answer of all who share it. What is returned must not be changed, for others hold it too.
 */
export function createShare(): Share {
  const flights = new Map<string, Flight>()

  const begin = async <Answer>(name: string, read: () => Promise<Answer>): Promise<Answer> => {
    const answer = read()
    const flight: Flight = { over: endOf(answer), next: null }
    flights.set(name, flight)
    void flight.over.then(() => {
      if (flight.next === null) flights.delete(name)
    })
    return answer
  }

  return <Answer>(name: string, read: () => Promise<Answer>): Promise<Answer> => {
    const flight = flights.get(name)
    if (flight === undefined) return begin(name, read)
    flight.next ??= flight.over.then(() => begin(name, read))
    // The name says what is read, and so of which type the answer is.
    return flight.next as Promise<Answer>
  }
}

function endOf(answer: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const patience = setTimeout(resolve, PATIENCE_MS)
    const end = (): void => {
      clearTimeout(patience)
      resolve()
    }
    answer.then(end, end)
  })
}
