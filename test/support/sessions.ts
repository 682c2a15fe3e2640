/** Connections of a test's own to a database. */
import pg from 'pg'

/** Milliseconds that connecting may take. */
const CONNECT_MS = 30_000
/** Milliseconds that the statement of {@link queryOnce} may take. */
const ANSWER_MS = 30_000

/**
 * Connects; whoever calls ends it. The server may end the session without ending the test run: the next statement
 * says so.
 */
export async function openSession(url: string, settings: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    ...settings,
  })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** The rows of one statement, on a connection of its own. */
export async function queryOnce<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = await openSession(url, { query_timeout: ANSWER_MS })
  try {
    return (await client.query<Row>(text, [...values])).rows
  } finally {
    await client.end()
  }
}
