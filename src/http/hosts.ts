/** Which `Host` a request may name: a page that rebinds its own name to our address must not read or start anything. */
import type { MiddlewareHandler } from 'hono'
import { hostNameOf, isLoopback, nameOfAddress } from '../core/hosts.ts'
import { ProblemError } from '../core/problems.ts'
import type { HttpEnv } from './app.ts'

/** Every name but loopback ones that the server answers to: the address it listens at, and what its operator adds. */
export function servedHosts(address: string, publicHosts: ReadonlySet<string>): ReadonlySet<string> {
  const own = nameOfAddress(address)
  return own === null ? publicHosts : new Set([...publicHosts, own])
}

/** Throws the 421 for requests whose `Host`, or absolute address, names none of `served` and no loopback name. */
export function refuseForeignHosts(served: ReadonlySet<string>): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const named = [new URL(c.req.url).host, c.req.header('host') ?? 'localhost'].map(hostNameOf)
    const foreign = named.filter((name) => name === null || !(isLoopback(name) || served.has(name)))
    if (foreign.length > 0) {
      throw new ProblemError(
        'HOST_NOT_SERVED',
        `This server does not answer to ${foreign[0]?.slice(0, 100) ?? 'that name'}. Its operator lists the names that it answers to in PUBLIC_HOSTS.`,
      )
    }
    await next()
  }
}
