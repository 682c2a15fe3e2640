/** JSON as Postgres takes it. */

/** A `\u0000`, or a `\ud8xx` that JSON.stringify writes for half a character; not when its backslash is escaped. */
const NOT_STORABLE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g

/** JSON that was serialized already: where it is written, no code of its value (`toJSON`, getters) runs any more. */
export class JsonText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/**
 * The JSON text of a value, undefined for what JSON does not know (a function, a symbol). Runs code of the value: throws
 * what that throws, and for circles and BigInts.
 */
export function serialize(value: unknown): JsonText | undefined {
  const text: string | undefined = JSON.stringify(value)
  return text === undefined ? undefined : new JsonText(storable(text))
}

/**
 * The JSON text of a value. What `jsonb` refuses though it is JSON, U+0000 and halves of surrogate pairs, becomes
 * U+FFFD: one such character in a crawled title must not stop a whole batch from being written.
 */
export function jsonText(value: unknown): string {
  return storable(JSON.stringify(value))
}

function storable(text: string): string {
  return text.includes('\\u') ? text.replace(NOT_STORABLE, '$1\\ufffd') : text
}
