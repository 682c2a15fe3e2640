/**
 * Answers remembered by Idempotency-Key: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 * Each caller has keys of its own, and only so many of them: they are written for whoever asks.
 */
import type pg from 'pg'
import { type Queryable, transaction } from './database.ts'
import { withFreeIds } from './job-ids.ts'
import { jsonText } from './json.ts'

export interface KeyedRequest {
  /** Whose key it is, at most 200 characters. */
  readonly caller: string
  /** Method and path template. */
  readonly route: string
  /** 1..255 characters. */
  readonly key: string
  /** Equal for equal requests only. */
  readonly fingerprint: string
  /** The request as JSON, kept up to {@link CONTENT_MAX_BYTES} to tell later what differs from it. */
  readonly content: unknown
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** What a key that is known stands for. */
export type Found =
  | { readonly kind: 'replayed'; readonly answer: Answer }
  /** The key belongs to another request: this one, or null when that was too large to be kept. */
  | { readonly kind: 'reused'; readonly content: unknown }

export type Remembered =
  | Found
  | { readonly kind: 'fresh'; readonly answer: Answer }
  /** No more keys are taken for now, from this caller or from anybody; nothing was done. */
  | { readonly kind: 'full'; readonly whose: 'caller' | 'all'; readonly retryAfterSeconds: number }

/** Bytes of an answer's headers and body as JSON. Ours have two or three thousand. */
export const ANSWER_MAX_BYTES = 16_384
/** Bytes of a request as JSON; of a larger one only the fingerprint is kept. */
export const CONTENT_MAX_BYTES = 2_048
/** Keys of one caller that live at once: one every twenty seconds, day and night. */
export const CALLER_KEYS_MAX = 4_000
/** Bytes that they may add up to; the last of them may exceed it. */
const CALLER_BYTES_MAX = 8 * 1024 * 1024
/** Keys of all callers: addresses are cheap. Forty megabytes of answers such as ours. */
const ALL_KEYS_MAX = 20_000
/** Expired answers that are forgotten in one pass. */
const TRIM_MAX = 10_000

/** The answer that a key of the caller stands for already; null when its request has to be worked on. */
export async function findAnswer(db: Queryable, request: KeyedRequest): Promise<Found | null> {
  const { rows } = await db.query<Answer & { fingerprint: string; content: unknown }>({
    name: 'find_answer',
    text: `select k.fingerprint, k.content, k.status, k.headers, k.body
from rowbeat.idempotency_keys k
where k.caller = $1
  and k.route = $2
  and k.key = $3
  and k.created_at > now() - interval '24 hours'`,
    values: [request.caller, request.route, request.key],
  })
  const found = rows[0]
  if (found === undefined) return null
  const { fingerprint, content, ...answer } = found
  return fingerprint === request.fingerprint ? { kind: 'replayed', answer } : { kind: 'reused', content }
}

/**
 * Does `work` once per caller, route and key, and remembers its answer in the same transaction. A second request with
 * the same key waits for the first and gets its answer; after a failure nothing is remembered, so it may be repeated.
 * Throws a RangeError, and undoes the work, for an answer that is too large to be given again.
 */
export async function rememberAnswer(
  pool: pg.Pool,
  request: KeyedRequest,
  work: (client: pg.PoolClient) => Promise<Answer>,
): Promise<Remembered> {
  const once = async (client: pg.PoolClient): Promise<Remembered> => {
    if (!(await takeKey(client, request))) {
      return (await findAnswer(client, request)) ?? (await readFull(client, request.caller))
    }
    const answer = await work(client)
    await storeAnswer(client, request, answer)
    return { kind: 'fresh', answer }
  }
  return withFreeIds(pool, () => transaction(pool, once))
}

/** False when the key is taken, or when no more are. */
async function takeKey(client: pg.PoolClient, request: KeyedRequest): Promise<boolean> {
  const content = jsonText(request.content ?? null)
  const { rowCount } = await client.query({
    name: 'take_idempotency_key',
    // Whoever counts at the same time does not see the other: the bounds may be exceeded by as many keys as there are
    // connections. The number of all keys is the server's own count, a second late; to count them each time would cost
    // more than what is asked for.
    text: `with mine as materialized (
  select count(*) as keys, coalesce(sum(k.bytes), 0) as bytes
  from rowbeat.idempotency_keys k
  where k.caller = $1
    and k.created_at > now() - interval '24 hours'
)
insert into rowbeat.idempotency_keys as k (caller, route, key, fingerprint, content)
select $1, $2, $3, $4, $5
from mine
where mine.keys < ${CALLER_KEYS_MAX}
  and mine.bytes < ${CALLER_BYTES_MAX}
  and pg_stat_get_live_tuples('rowbeat.idempotency_keys'::regclass) < ${ALL_KEYS_MAX}
on conflict (caller, route, key) do update
  set fingerprint = excluded.fingerprint, content = excluded.content, status = null, headers = null, body = null,
      created_at = now()
  where k.created_at <= now() - interval '24 hours'`,
    values: [
      request.caller,
      request.route,
      request.key,
      request.fingerprint,
      Buffer.byteLength(content) > CONTENT_MAX_BYTES ? null : content,
    ],
  })
  return rowCount === 1
}

async function storeAnswer(client: pg.PoolClient, request: KeyedRequest, answer: Answer): Promise<void> {
  const headers = jsonText(answer.headers)
  const body = jsonText(answer.body ?? null)
  const bytes = Buffer.byteLength(headers) + Buffer.byteLength(body)
  if (bytes > ANSWER_MAX_BYTES) {
    throw new RangeError(`an answer of ${bytes} bytes cannot be kept for its Idempotency-Key`)
  }
  await client.query({
    name: 'store_answer',
    text: `update rowbeat.idempotency_keys
set status = $4, headers = $5, body = $6
where caller = $1
  and route = $2
  and key = $3`,
    values: [request.caller, request.route, request.key, answer.status, headers, body],
  })
}

/** Whose keys are too many, and until when: the oldest of them makes room when it expires. */
async function readFull(client: pg.PoolClient, caller: string): Promise<Remembered> {
  const { rows } = await client.query<{ is_caller: boolean; seconds: number }>({
    name: 'read_full_keys',
    text: `with mine as materialized (
  select count(*) as keys, coalesce(sum(k.bytes), 0) as bytes, min(k.created_at) as oldest
  from rowbeat.idempotency_keys k
  where k.caller = $1
    and k.created_at > now() - interval '24 hours'
), judged as (
  select mine.keys >= ${CALLER_KEYS_MAX} or mine.bytes >= ${CALLER_BYTES_MAX} as is_caller, mine.oldest
  from mine
)
select j.is_caller,
       coalesce(ceil(extract(epoch from case when j.is_caller then j.oldest else (
         select k.created_at
         from rowbeat.idempotency_keys k
         order by k.created_at
         limit 1) end + interval '24 hours' - now())), 1)::integer as seconds
from judged j`,
    values: [caller],
  })
  const row = rows[0]
  return {
    kind: 'full',
    whose: row?.is_caller === true ? 'caller' : 'all',
    // Those that have expired already are about to be forgotten.
    retryAfterSeconds: Math.max(1, row?.seconds ?? 1),
  }
}

/** Forgets answers older than 24 hours, the oldest first. */
export async function trimAnswers(db: Queryable): Promise<void> {
  await db.query({
    name: 'trim_answers',
    // Rows that another process forgets at this moment, or a request takes over, are left to it.
    text: `with old as materialized (
  select k.caller, k.route, k.key
  from rowbeat.idempotency_keys k
  where k.created_at <= now() - interval '24 hours'
  order by k.created_at
  limit ${TRIM_MAX}
  for update skip locked
)
delete from rowbeat.idempotency_keys k
using old
where k.caller = old.caller
  and k.route = old.route
  and k.key = old.key`,
  })
}
