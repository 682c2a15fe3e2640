import { describe, expect, it, vi } from 'vitest'
import { RowbeatError } from '../../../../src/core/errors.ts'
import { SkipSignal } from '../../../../src/core/outcome.ts'
import { type CompetitorSearch, findCompetitors } from '../../../../src/workflows/audit/search/competitors.ts'
import type { SearchHit } from '../../../../src/workflows/audit/types.ts'
import {
  type FakeAnswer,
  fakeOutbound,
  fakeProvider,
  hit,
  htmlPage,
  makeProfile,
  rejection,
} from './fakes.ts'

const CARGO =
  'Notre flotte de vélos cargo assure la livraison du dernier kilomètre : location, batterie et entretien compris.'
const COOKING =
  'Recettes de cuisine italienne, pâtes fraîches, sauces et desserts de saison pour toute la famille.'

function search(fields: Partial<CompetitorSearch>) {
  return findCompetitors({
    provider: null,
    outbound: fakeOutbound({}),
    profile: makeProfile(),
    clientDomain: 'client.fr',
    manual: [],
    signal: new AbortController().signal,
    ...fields,
  })
}

function everyQuery(...hits: readonly SearchHit[]) {
  return fakeProvider(() => hits)
}

function homes(pages: Readonly<Record<string, FakeAnswer>>) {
  return fakeOutbound(
    Object.fromEntries(Object.entries(pages).map(([domain, page]) => [`https://${domain}/`, page])),
  )
}

describe('findCompetitors', () => {
  it('keeps rivals, leaves strangers and known platforms out, and says why', async () => {
    const provider = fakeProvider((_, index) => [
      hit('https://www.client.fr/', 1),
      hit('https://rival.fr/velos', 2, { title: 'Rival', snippet: CARGO, engine: 'a,b' }),
      hit('https://fr.wikipedia.org/wiki/Velo', 3, { title: 'Vélo' }),
      ...(index === 0 ? [hit('https://stranger.com/', 9, { snippet: COOKING })] : []),
    ])
    const outbound = homes({
      'rival.fr': htmlPage('Rival, vélos cargo', CARGO),
      'stranger.com': htmlPage('Cuisine', COOKING),
    })
    const found = await search({ provider, outbound })
    expect(found.map(({ domain, status }) => [domain, status])).toEqual([
      ['rival.fr', 'validated'],
      ['wikipedia.org', 'excluded'],
      ['stranger.com', 'excluded'],
    ])
    const [rival, wikipedia, stranger] = found
    expect(rival).toMatchObject({ title: 'Rival, vélos cargo', relevance: 1 })
    expect(rival?.similarity).toBeGreaterThan(0.2)
    expect(rival?.reason).toMatch(/^Found by \d+ queries and 2 engines: combined 0\.\d+, confidence/)
    expect(rival?.sources).toHaveLength(provider.queries.length * 2)
    expect(wikipedia?.reason).toContain('encyclopaedia')
    expect(stranger?.reason).toContain('Below the minimum')
    expect(outbound.requests.map(({ url }) => new URL(url).host)).not.toContain('wikipedia.org')
  })

  it('keeps nothing rather than weak hits', async () => {
    const provider = fakeProvider((_, index) =>
      index === 0 ? Array.from({ length: 18 }, (_, at) => hit(`https://weak${at}.com/`, at + 3)) : [],
    )
    const found = await search({ provider })
    expect(found).toHaveLength(18)
    expect(found.every(({ status }) => status === 'excluded')).toBe(true)
  })

  it('keeps at most maxCompetitors, best first, ties by name, and lists the rest as excluded', async () => {
    const names = ['delta.fr', 'alpha.fr', 'charlie.fr', 'bravo.fr']
    const provider = everyQuery(...names.map((name) => hit(`https://${name}/`, 1)))
    const found = await search({ provider, maxCompetitors: 2 })
    expect(found.map(({ domain, status }) => [domain, status])).toEqual([
      ['alpha.fr', 'validated'],
      ['bravo.fr', 'validated'],
      ['charlie.fr', 'excluded'],
      ['delta.fr', 'excluded'],
    ])
    expect(found[2]?.reason).toContain('Beyond the 2 best')
  })

  it('visits the home pages of the 20 most relevant and lists at most 100 excluded', async () => {
    const provider = fakeProvider((_, index) =>
      Array.from({ length: 30 }, (_, at) => hit(`https://site${index}-${at}.com/`, at + 1)),
    )
    const outbound = fakeOutbound({})
    const found = await search({ provider, outbound })
    const hosts = new Set(outbound.requests.map(({ url }) => new URL(url).host.replace(/^www\./, '')))
    expect(hosts.size).toBe(20)
    expect(found).toHaveLength(100)
  })

  it('gives the same list whatever the order of answers', async () => {
    const hits = ['a.fr', 'b.fr', 'c.com'].map((name, index) =>
      hit(`https://${name}/`, index + 1, { snippet: CARGO }),
    )
    const outbound = homes({ 'a.fr': htmlPage('A', CARGO), 'c.com': htmlPage('C', CARGO) })
    const first = await search({ provider: everyQuery(...hits), outbound })
    expect(await search({ provider: everyQuery(...hits.reverse()), outbound })).toEqual(first)
  })

  it('reports progress that never falls and ends complete', async () => {
    const told: [number, number][] = []
    await search({
      provider: everyQuery(hit('https://rival.fr/', 1)),
      outbound: homes({ 'rival.fr': htmlPage('Rival', CARGO) }),
      onProgress: (done, total) => told.push([done, total]),
    })
    const done = told.map(([count]) => count)
    expect(done).toEqual([...done].sort((a, b) => a - b))
    expect(told.every(([count, total]) => count <= total)).toBe(true)
    expect(told.at(-1)?.[0]).toBe(told.at(-1)?.[1])
  })
})

describe('a failing search', () => {
  it('goes on without the queries that failed, and tells of them', async () => {
    const onProblem = vi.fn()
    const provider = fakeProvider((_, index) => {
      if (index === 1) throw new RowbeatError('UPSTREAM_TIMEOUT', 'slow')
      return [hit('https://rival.fr/', 1)]
    })
    const found = await search({
      provider,
      onProblem,
      outbound: homes({ 'rival.fr': htmlPage('Rival', CARGO) }),
    })
    expect(found[0]).toMatchObject({ domain: 'rival.fr', status: 'validated' })
    expect(onProblem).toHaveBeenCalledExactlyOnceWith(
      'a search query failed',
      expect.objectContaining({ code: 'UPSTREAM_TIMEOUT', query: provider.queries[1] }),
    )
  })

  it('ends with the last error when every query failed, after three in a row', async () => {
    const provider = fakeProvider((_, index) => {
      throw new RowbeatError(index === 2 ? 'RATE_LIMIT_EXCEEDED' : 'UPSTREAM_ERROR', `failure ${index}`)
    })
    expect(await rejection(search({ provider, manual: ['rival.fr'] }))).toMatchObject({
      code: 'RATE_LIMIT_EXCEEDED',
      message: 'failure 2',
    })
    expect(provider.queries).toHaveLength(3)
  })

  it('stops asking a provider that went away, and uses what it said before', async () => {
    const onProblem = vi.fn()
    const provider = fakeProvider((_, index) => {
      if (index >= 2) throw new RowbeatError('NETWORK_UNREACHABLE', 'gone')
      return [hit('https://rival.fr/', 1)]
    })
    const found = await search({ provider, onProblem })
    expect(provider.queries).toHaveLength(5)
    expect(found[0]?.domain).toBe('rival.fr')
    expect(onProblem).toHaveBeenCalledWith(
      'the search was cut short',
      expect.objectContaining({ provider: 'fake' }),
    )
  })

  it('does not hide a fault of ours, nor the reason of the signal', async () => {
    const fault = new TypeError('a bug')
    expect(
      await rejection(
        search({
          provider: fakeProvider(() => {
            throw fault
          }),
        }),
      ),
    ).toBe(fault)
    const controller = new AbortController()
    const reason = new RowbeatError('CANCELLED', 'cancelled')
    const provider = fakeProvider(() => {
      controller.abort(reason)
      throw new RowbeatError('NETWORK_UNREACHABLE', 'aborted')
    })
    expect(await rejection(search({ provider, signal: controller.signal }))).toBe(reason)
    expect(provider.queries).toHaveLength(1)
  })

  it('survives home pages that cannot be read, and says so', async () => {
    const [rival] = await search({ provider: everyQuery(hit('https://rival.fr/', 1, { snippet: CARGO })) })
    expect(rival).toMatchObject({ domain: 'rival.fr', status: 'validated', description: CARGO })
    expect(rival?.reason).toContain('its home page could not be read: rival.fr does not resolve')
  })
})

describe('manual competitors', () => {
  it('are kept whatever lists and scores say', async () => {
    const provider = everyQuery(hit('https://rival.fr/', 1))
    const found = await search({
      provider,
      manual: ['https://www.LeMonde.fr/velo', 'rival.fr', 'Rival.fr'],
      outbound: homes({ 'lemonde.fr': htmlPage('Le Monde', COOKING) }),
    })
    expect(found.map(({ domain, status }) => [domain, status])).toEqual([
      ['rival.fr', 'manual'],
      ['lemonde.fr', 'manual'],
    ])
    expect(found[1]).toMatchObject({ title: 'Le Monde', reason: 'Added by hand', sources: [] })
  })

  it('do without a provider', async () => {
    const found = await search({
      manual: ['b.fr', 'a.fr'],
      outbound: homes({ 'a.fr': htmlPage('A', CARGO) }),
    })
    expect(found.map(({ domain, status }) => [domain, status])).toEqual([
      ['a.fr', 'manual'],
      ['b.fr', 'manual'],
    ])
    expect(found[1]?.reason).toContain('Added by hand; its home page could not be read')
  })

  it('that are unusable are told and left out', async () => {
    const onProblem = vi.fn()
    const found = await search({ manual: ['not a domain', 'www.client.fr', 'a.fr'], onProblem })
    expect(found.map(({ domain }) => domain)).toEqual(['a.fr'])
    expect(onProblem).toHaveBeenCalledWith('a manual competitor is no domain name', { entry: 'not a domain' })
    expect(onProblem).toHaveBeenCalledWith('a manual competitor is the client itself', {
      entry: 'www.client.fr',
    })
  })

  it('are at most 100, twenty of them visited', async () => {
    const outbound = fakeOutbound({})
    const manual = Array.from({ length: 150 }, (_, index) => `site${index}.fr`)
    expect(await search({ manual, outbound })).toHaveLength(100)
    const hosts = new Set(outbound.requests.map(({ url }) => new URL(url).host.replace(/^www\./, '')))
    expect(hosts.size).toBe(20)
  })

  it('missing together with a provider skip the step', async () => {
    const skipped = await rejection(search({}))
    expect(skipped).toBeInstanceOf(SkipSignal)
    expect(skipped).toMatchObject({ code: 'PROVIDER_NOT_CONFIGURED' })
    expect(await rejection(search({ manual: ['10.0.0.1'] }))).toMatchObject({
      code: 'PROVIDER_NOT_CONFIGURED',
    })
  })

  it('are all there is when the profile gives nothing to ask for', async () => {
    const profile = makeProfile({ themes: [], keywords: [] })
    const provider = everyQuery(hit('https://rival.fr/', 1))
    expect(await rejection(search({ provider, profile }))).toMatchObject({ code: 'NO_CONTENT' })
    expect(await search({ provider, profile, manual: ['a.fr'] })).toHaveLength(1)
    expect(provider.queries).toEqual([])
  })
})

describe('sites that are not what they seem', () => {
  const leadsTo = (url: string): FakeAnswer => ({ ...htmlPage('Moved', CARGO), finalUrl: url })

  it('are merged where their home page redirects to', async () => {
    const provider = fakeProvider((_, index) => [
      hit(index % 2 === 0 ? 'https://old.fr/' : 'https://new.fr/', 1),
    ])
    const outbound = homes({ 'old.fr': leadsTo('https://www.new.fr/'), 'new.fr': htmlPage('New', CARGO) })
    const [kept, old] = await search({ provider, outbound })
    expect(kept).toMatchObject({ domain: 'new.fr', status: 'validated', title: 'New' })
    expect(kept?.reason).toContain('old.fr redirects to it')
    expect(kept?.sources).toHaveLength(provider.queries.length)
    expect(old).toMatchObject({ domain: 'old.fr', status: 'excluded' })
    expect(old?.reason).toContain('redirects to new.fr')
  })

  it('are listed under a domain that no query found, also when named by hand', async () => {
    const outbound = homes({ 'old.fr': leadsTo('https://new.fr/') })
    const provider = everyQuery(hit('https://old.fr/', 1))
    expect((await search({ provider, outbound }))[0]).toMatchObject({ domain: 'new.fr', status: 'validated' })
    expect((await search({ manual: ['old.fr'], outbound }))[0]).toMatchObject({
      domain: 'new.fr',
      status: 'manual',
    })
  })

  it('are out when they lead to the client, to a platform or to a parking service', async () => {
    const provider = everyQuery(
      ...['alias.fr', 'page.fr', 'parked.fr'].map((name, index) => hit(`https://${name}/`, index + 1)),
    )
    const outbound = homes({
      'alias.fr': leadsTo('https://client.fr/'),
      'page.fr': leadsTo('https://www.facebook.com/page'),
      'parked.fr': leadsTo('https://sedo.com/search?domain=parked.fr'),
    })
    const found = await search({ provider, outbound })
    const reasons = Object.fromEntries(found.map(({ domain, reason }) => [domain, reason]))
    expect(found.every(({ status }) => status === 'excluded')).toBe(true)
    expect(reasons['alias.fr']).toContain("client's own site")
    expect(reasons['page.fr']).toContain('redirects to facebook.com')
    expect(reasons['parked.fr']).toContain('parked domain')
    expect(found).toHaveLength(3)
  })

  it('stay one site when they redirect to each other', async () => {
    const provider = everyQuery(hit('https://b.fr/', 1), hit('https://a.fr/', 2))
    const outbound = homes({ 'a.fr': leadsTo('https://b.fr/'), 'b.fr': leadsTo('https://a.fr/') })
    const found = await search({ provider, outbound })
    expect(found.map(({ domain, status }) => [domain, status])).toEqual([
      ['a.fr', 'validated'],
      ['b.fr', 'excluded'],
    ])
  })

  it('are out when parked or empty, and kept with a note when named by hand', async () => {
    const provider = everyQuery(hit('https://empty.fr/', 1), hit('https://parked.fr/', 2))
    const outbound = homes({
      'empty.fr': htmlPage('', ''),
      'parked.fr': htmlPage('parked.fr', 'Ce domaine est à vendre, faites une offre.'),
    })
    const found = await search({ provider, outbound })
    expect(found.map(({ status }) => status)).toEqual(['excluded', 'excluded'])
    expect(found[0]?.reason).toContain('empty')
    expect(found[1]?.reason).toContain('parked')
    const [manual] = await search({ manual: ['parked.fr'], outbound })
    expect(manual).toMatchObject({
      status: 'manual',
      reason: expect.stringContaining('Added by hand; its domain is parked'),
    })
  })

  it('are out when their home page gives them away', async () => {
    const provider = everyQuery(hit('https://acme.fr/', 1, { snippet: CARGO }))
    const outbound = homes({
      'acme.fr': htmlPage('Offres d’emploi', 'Recrutement, CDI et intérim : postuler en ligne.'),
    })
    const [acme] = await search({ provider, outbound })
    expect(acme).toMatchObject({ status: 'excluded', reason: expect.stringContaining('job board') })
  })
})
