/** What a connection string of Postgres may look like here. */

/** Parameters that our driver understands and that change nothing we depend on. */
const HONOURED: ReadonlySet<string> = new Set([
  'application_name',
  'connect_timeout',
  'host',
  'port',
  'ssl',
  'sslcert',
  'sslkey',
  'sslmode',
  'sslnegotiation',
  'sslrootcert',
  'target_session_attrs',
  'uselibpqcompat',
])

/** Why a connection string cannot be used and what to do about it, one sentence; null when it can. */
export function problemOfDatabaseUrl(url: string): string | null {
  if (!/^postgres(ql)?:\/\//.test(url)) return 'must begin with postgres:// or postgresql://'
  const rest = url.slice(url.indexOf('//') + 2)
  const beforeQuery = rest.split('?')[0] ?? ''
  // A question mark before any host belongs to a password; an @ behind the database's name to a parameter.
  const main = /[@/]/.test(beforeQuery) ? beforeQuery : rest
  const at = main.lastIndexOf('@')
  const parsed = URL.parse(url)
  if (/[#@/? ]/.test(main.slice(0, Math.max(0, at))) || main.includes('#'))
    return 'has #, @, /, ? or a space in the user or password: write them as %23, %40, %2F, %3F and %20'
  if (
    main
      .slice(at + 1)
      .split('/')[0]
      ?.includes(',') ||
    parsed?.searchParams.get('host')?.includes(',')
  )
    return 'names several hosts: name the one that takes writes, or an address that always leads there'
  if (parsed === null || !isDecodable(parsed.username) || !isDecodable(parsed.password))
    return 'is no valid URL: write special characters percent-encoded, for instance # as %23, @ as %40 and % as %25'
  const unknown = [...parsed.searchParams.keys()].filter((name) => !HONOURED.has(name))
  if (unknown.length > 0)
    return `has parameters that are not honoured: leave out ${unknown.join(', ')}; honoured are ${[...HONOURED].join(', ')}`
  return null
}

function isDecodable(text: string): boolean {
  return !/%(?![0-9a-f]{2})/i.test(text)
}

/**
 * Splits off the application's name, for a name in the string would win over ours: `rowbeat` with the name given
 * behind it, by which the guard of hand-written SQL knows the engine's sessions.
 */
export function nameSessions(url: string, ours: string): { readonly url: string; readonly name: string } {
  const parsed = URL.parse(url)
  const given = parsed?.searchParams.get('application_name') ?? null
  if (parsed === null || given === null) return { url, name: ours }
  parsed.searchParams.delete('application_name')
  const name = given === '' || given.startsWith(ours) ? given || ours : `${ours} ${given}`
  return { url: parsed.href, name }
}
