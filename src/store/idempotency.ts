/** Answers remembered by Idempotency-Key: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ */
import type pg from 'pg'
import { type Queryable, transaction } from './database.ts'
import { jsonText } from './json.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

export type Remembered =
  | { readonly kind: 'fresh' | 'replayed'; readonly answer: Answer }
  /** The key was used with another body. */
  | { readonly kind: 'reused' }

/**
 * Does `work` once per (route, key) and remembers its answer in the same transaction. A second request with the
 * same key waits for the first and gets its answer; after a failure nothing is remembered, so it may be repeated.
 */
export async function rememberAnswer(
  pool: pg.Pool,
  request: { readonly route: string; readonly key: string; readonly fingerprint: string },
  work: (client: pg.PoolClient) => Promise<Answer>,
): Promise<Remembered> {
  return transaction(pool, async (client) => {
    const { rowCount } = await client.query({
      name: 'insert_idempotency_key',
      text: `insert into rowbeat.idempotency_keys as k (route, key, fingerprint)
values ($1, $2, $3)
on conflict (route, key) do update
  set fingerprint = excluded.fingerprint, status = null, headers = null, body = null, created_at = now()
  where k.created_at < now() - interval '24 hours'`,
      values: [request.route, request.key, request.fingerprint],
    })
    if (rowCount === 0) return readAnswer(client, request)
    const answer = await work(client)
    await client.query({
      name: 'store_answer',
      text: `update rowbeat.idempotency_keys
set status = $3, headers = $4, body = $5
where route = $1
  and key = $2`,
      values: [
        request.route,
        request.key,
        answer.status,
        jsonText(answer.headers),
        jsonText(answer.body ?? null),
      ],
    })
    return { kind: 'fresh', answer }
  })
}

async function readAnswer(
  client: pg.PoolClient,
  request: { readonly route: string; readonly key: string; readonly fingerprint: string },
): Promise<Remembered> {
  const { rows } = await client.query<Answer & { fingerprint: string }>({
    name: 'read_answer',
    text: 'select fingerprint, status, headers, body from rowbeat.idempotency_keys where route = $1 and key = $2',
    values: [request.route, request.key],
  })
  const found = rows[0]
  if (found === undefined) throw new Error('an idempotency key disappeared while it was read')
  if (found.fingerprint !== request.fingerprint) return { kind: 'reused' }
  return { kind: 'replayed', answer: { status: found.status, headers: found.headers, body: found.body } }
}

/** Forgets answers older than 24 hours. */
export async function trimAnswers(db: Queryable): Promise<void> {
  await db.query({
    name: 'trim_answers',
    text: `delete from rowbeat.idempotency_keys where created_at < now() - interval '24 hours'`,
  })
}
