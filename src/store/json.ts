/** JSON as Postgres takes it. */

/** A `\u0000`, or a `\ud8xx` that JSON.stringify writes for half a character; not when its backslash is escaped. */
const NOT_STORABLE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g

/**
 * The JSON text of a value. What `jsonb` refuses though it is JSON, U+0000 and halves of surrogate pairs, becomes
 * U+FFFD: one such character in a crawled title must not stop a whole batch from being written.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value)
  return text.includes('\\u') ? text.replace(NOT_STORABLE, '$1\\ufffd') : text
}
