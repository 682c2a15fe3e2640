/** Puts the queries to the provider, one after the other. */
import { codeOf, messageOf, RowbeatError } from '../../../core/errors.ts'
import type { SearchOptions, SearchProvider } from '../types.ts'
import type { AnsweredQuery } from './merge.ts'

/** Tells of something that went wrong and did not stop the search; the shape of `Log.warn`. */
export type OnProblem = (message: string, facts: Record<string, unknown>) => void

const MAX_HITS = 20
/** So many failures in a row mean that the provider is down, and bound the wait for it. */
const FAILURES_TO_STOP = 3

/**
 * The hits, at most 20 each, of the queries that were answered, in their order. A failed query is told to
 * `onProblem`; after three failures in a row the others are not asked. Throws the last error when no query was
 * answered, the reason of the signal, and what is no `RowbeatError`.
 */
export async function askQueries(
  provider: SearchProvider,
  queries: readonly string[],
  options: SearchOptions,
  on: { readonly problem: OnProblem; readonly asked: () => void },
): Promise<AnsweredQuery[]> {
  const answers: AnsweredQuery[] = []
  let lastError: RowbeatError | undefined
  let failures = 0
  for (const [index, query] of queries.entries()) {
    options.signal.throwIfAborted()
    try {
      const hits = await provider.search(query, options)
      answers.push({ query, hits: hits.slice(0, MAX_HITS) })
      failures = 0
    } catch (error) {
      options.signal.throwIfAborted()
      if (!(error instanceof RowbeatError)) throw error
      lastError = error
      failures += 1
      on.problem('a search query failed', { query, code: codeOf(error), error: messageOf(error) })
    }
    on.asked()
    if (failures >= FAILURES_TO_STOP) {
      const left = queries.length - index - 1
      if (left > 0) on.problem('the search was cut short', { provider: provider.name, queriesLeft: left })
      break
    }
  }
  if (answers.length === 0 && lastError !== undefined) throw lastError
  return answers
}
