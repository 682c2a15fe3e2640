/** Names of hosts as requests and settings give them, in the one form in which they are compared. */

/** What a host name or its port never holds, but a URL around it would read as something else. */
const NOT_OF_A_HOST = /[\s/\\@?#,]/
/** A port in a setting would be cut off in silence, and be believed to matter. */
const WITH_PORT = /^[^:]*:\d*$|\]:/
const LOOPBACK = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/
const PUBLIC_HOSTS_MAX = 200
const ORIGINS_MAX = 100

/**
 * The name in a `Host` header, lower case, without port and without the dot at its end; addresses in their shortest
 * form, IPv6 in brackets. Null when it is none.
 */
export function hostNameOf(header: string): string | null {
  if (header === '' || NOT_OF_A_HOST.test(header)) return null
  const name = URL.parse(`http://${header}/`)?.hostname.replace(/\.$/, '')
  return name === undefined || name === '' ? null : name
}

/** True for names that lead to the own machine only: `localhost`, 127.0.0.0/8 and `[::1]`. */
export function isLoopback(name: string): boolean {
  return LOOPBACK.test(name)
}

/** The name of an address to listen at, such as `::1` or `0.0.0.0`, as {@link hostNameOf} gives it. */
export function nameOfAddress(address: string): string | null {
  return hostNameOf(address.includes(':') && !address.startsWith('[') ? `[${address}]` : address)
}

export type NamesResult =
  | { readonly ok: true; readonly names: ReadonlySet<string> }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Reads `PUBLIC_HOSTS`: host names or addresses separated by commas, without scheme and port. */
export function parsePublicHosts(text: string): NamesResult {
  return parseNames(text, PUBLIC_HOSTS_MAX, (entry) => {
    const name = nameOfAddress(entry)
    return name === null || WITH_PORT.test(entry) || entry.includes('*')
      ? {
          problem: `"${entry}" is not a host name: write it without scheme, port and path, as in api.example.org`,
        }
      : { name }
  })
}

/** Reads `CORS_ORIGINS`: origins such as `https://app.example.org`, separated by commas. */
export function parseOrigins(text: string): NamesResult {
  return parseNames(text, ORIGINS_MAX, (entry) => {
    const url = URL.parse(entry)
    const isOrigin =
      url !== null &&
      !entry.includes('*') &&
      /^https?:$/.test(url.protocol) &&
      url.origin === entry.toLowerCase()
    return isOrigin
      ? { name: url.origin }
      : { problem: `"${entry}" is not an origin: name each in full, as in https://app.example.org` }
  })
}

function parseNames(
  text: string,
  most: number,
  read: (entry: string) => { readonly name: string } | { readonly problem: string },
): NamesResult {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  if (entries.length > most)
    return { ok: false, problems: [`names ${entries.length} entries; at most ${most} are taken`] }
  const answers = entries.map(read)
  const problems = answers.flatMap((one) => ('problem' in one ? [one.problem] : []))
  if (problems.length > 0) return { ok: false, problems }
  return { ok: true, names: new Set(answers.flatMap((one) => ('name' in one ? [one.name] : []))) }
}
