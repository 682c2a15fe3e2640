import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/cli/faults.ts'
import { healthUrl, requireReady } from '../../src/cli/healthcheck.ts'
import { serveTest } from './loopback.ts'

describe('the health check', () => {
  it.each([
    ['127.0.0.1', 'http://127.0.0.1:3000/health/ready'],
    ['0.0.0.0', 'http://127.0.0.1:3000/health/ready'],
    ['::', 'http://[::1]:3000/health/ready'],
    ['fe80::1', 'http://[fe80::1]:3000/health/ready'],
    ['localhost', 'http://localhost:3000/health/ready'],
  ])('of a server on %s asks %s', (host, url) => {
    expect(healthUrl(host, 3000)).toBe(url)
  })

  it('is content with 200', async () => {
    const url = await serveTest((_, response) => response.end('{}'))
    await expect(requireReady(url, 3000)).resolves.toBeUndefined()
  })

  it('quotes why a server is not ready', async () => {
    const url = await serveTest((_, response) => response.writeHead(503).end('{"reasons":["draining"]}'))
    await expect(requireReady(url, 3000)).rejects.toThrow(
      new Failure(`${url} answered 503: {"reasons":["draining"]}`),
    )
  })

  it('reads no more of an answer than it quotes', async () => {
    const url = await serveTest((_, response) => response.writeHead(500).end('x'.repeat(5_000_000)))
    await expect(requireReady(url, 3000)).rejects.toThrow(/answered 500: x{300}$/)
  })

  it('gives up on a server that does not answer', async () => {
    const url = await serveTest(() => undefined)
    await expect(requireReady(url, 50)).rejects.toThrow('did not answer within 0.05 s')
  })

  it('says that nothing listens', async () => {
    const url = await serveTest(() => undefined)
    const { port } = new URL(url)
    await expect(requireReady(`http://127.0.0.2:${port}/`, 3000)).rejects.toThrow('cannot be reached')
  })
})
