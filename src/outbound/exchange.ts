import type { Dispatcher, Pool } from 'undici'
import { RowbeatError } from '../core/errors.ts'
import { announcedBytes, flattenHeaders, isAccepted, mediaTypeOf, retryAfterSeconds } from './answer.ts'
import { type Body, readBody, tooLarge } from './body.ts'
import type { Clock } from './clock.ts'
import { asRowbeatError } from './failure.ts'
import { type Hop, redirectTarget } from './hop.ts'
import { hostKey } from './host-map.ts'
import type { Politeness } from './politeness.ts'
import type { Pools } from './pools.ts'
import { linkSignals, orAborted } from './signals.ts'

/** What an exchange works with, the same for all of a client. */
export interface ExchangeMeans {
  readonly pools: Pools
  readonly politeness: Politeness
  readonly clock: Clock
}

/** What one request allows itself. */
export interface ExchangeLimits {
  readonly signal: AbortSignal
  readonly maxBytes: number
  /** True: a longer body is cut off there. */
  readonly cut: boolean
  readonly accept: readonly string[] | undefined
  readonly delaySeconds: number
  /** Longest silence of the server, before the headers and within the body. */
  readonly readTimeoutMs: number
  /** Time left for the whole request; waiting for a turn does not use it up. */
  readonly remainingMs: number
}

export interface Exchanged {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly contentType: string
  readonly body: Uint8Array
  /** True when the body went on. */
  readonly cut: boolean
  /** Target of a redirect as the server wrote it. */
  readonly redirect: string | null
  readonly elapsedMs: number
}

const NO_BODY: Body = { data: new Uint8Array(0), cut: false }
const CHEAPER_TO_READ_BYTES = 16 * 1024

/**
 * Waits for a turn at the host, sends one request and reads its answer. Throws `signal.reason` when the caller
 * aborts, else `RowbeatError`; in every case the turn and the connection are given back.
 */
export async function exchange(means: ExchangeMeans, hop: Hop, limits: ExchangeLimits): Promise<Exchanged> {
  const { clock, politeness, pools } = means
  const host = hostKey(hop.url.hostname)
  const endTurn = await politeness.enter(host, limits)
  const { pool, release } = pools.use(hop.url.origin)
  const link = linkSignals(limits.signal)
  const started = clock.elapsed()
  const callOff = clock.after(limits.remainingMs, () =>
    link.abort(new RowbeatError('UPSTREAM_TIMEOUT', `${host} did not answer in full within its time limit`)),
  )
  try {
    // undici heeds the signal only once it has a connection, hence the race.
    const answer = await orAborted(link.signal, send(pool, hop, host, limits, link.signal))
    if (answer.status === 429 || answer.status === 503) {
      politeness.pause(host, retryAfterSeconds(answer.headers['retry-after'], clock.now()) ?? 0)
    }
    return { ...answer, elapsedMs: clock.elapsed() - started }
  } catch (error) {
    throw limits.signal.aborted ? limits.signal.reason : asRowbeatError(error, host)
  } finally {
    callOff()
    link.unlink()
    release()
    endTurn()
  }
}

async function send(
  pool: Pool,
  hop: Hop,
  host: string,
  limits: ExchangeLimits,
  signal: AbortSignal,
): Promise<Omit<Exchanged, 'elapsedMs'>> {
  const {
    statusCode: status,
    headers: raw,
    body: stream,
  } = await pool.request({
    path: hop.url.pathname + hop.url.search,
    method: hop.method,
    headers: hop.headers,
    body: hop.body,
    signal,
    headersTimeout: limits.readTimeoutMs,
    bodyTimeout: limits.readTimeoutMs,
  })
  // A stream that is ended early reports that as an error event, which without a listener ends the process.
  stream.on('error', () => undefined)
  const headers = flattenHeaders(raw)
  const contentType = mediaTypeOf(headers['content-type'])
  const redirect = redirectTarget(status, headers)
  const wanted = redirect === null && isAccepted(contentType, limits.accept)
  const body = wanted && hasBody(hop, status) ? await read(stream, host, headers, limits) : NO_BODY
  await finish(stream, headers)
  return { status, headers, contentType, body: body.data, cut: body.cut, redirect }
}

function hasBody(hop: Hop, status: number): boolean {
  return hop.method !== 'HEAD' && status !== 204 && status !== 304
}

type BodyStream = Dispatcher.ResponseData['body']

async function read(
  stream: BodyStream,
  host: string,
  headers: Readonly<Record<string, string>>,
  { maxBytes, cut }: ExchangeLimits,
): Promise<Body> {
  const encoding = headers['content-encoding'] ?? ''
  try {
    const announced = encoding === '' && !cut ? (announcedBytes(headers) ?? 0) : 0
    if (announced > maxBytes) throw tooLarge({ host, maxBytes })
    return await readBody(stream, { host, encoding, maxBytes, cut })
  } catch (error) {
    stream.destroy()
    throw error
  }
}

/** Leaves nothing on the wire: a short rest is read, so that the connection can be used again, others are cut. */
async function finish(stream: BodyStream, headers: Readonly<Record<string, string>>): Promise<void> {
  if (stream.readableEnded || stream.destroyed) return
  const left = announcedBytes(headers)
  if (left !== null && left <= CHEAPER_TO_READ_BYTES) await stream.dump({ limit: CHEAPER_TO_READ_BYTES })
  else stream.destroy()
}
