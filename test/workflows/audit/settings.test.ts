import { describe, expect, it } from 'vitest'
import {
  auditEnvironment,
  auditEnvironmentProblems,
  toAuditSettings,
} from '../../../src/workflows/audit/settings.ts'

describe('the settings of the audit', () => {
  it('have the defaults of the contract', () => {
    expect(toAuditSettings(auditEnvironment.parse({}))).toEqual({
      maxDurationSeconds: 3600,
      freshSeconds: 300,
      maxLive: 20,
      minCompetitorArticles: 10,
      minClientArticles: 5,
      validateDomainDns: false,
      retry: { tries: 3, minSeconds: 4, maxSeconds: 10 },
      search: { provider: 'none', searxngUrl: null },
    })
  })

  it('are read from strings', () => {
    const environment = auditEnvironment.parse({
      MIN_CLIENT_ARTICLES_FOR_AUDIT: '7',
      VALIDATE_DOMAIN_DNS: 'true',
      SEARCH_PROVIDER: 'searxng',
      SEARXNG_URL: 'http://search.test',
    })
    expect(toAuditSettings(environment)).toMatchObject({
      minClientArticles: 7,
      validateDomainDns: true,
      search: { provider: 'searxng', searxngUrl: 'http://search.test' },
    })
    expect(auditEnvironmentProblems(environment)).toEqual([])
  })

  it.each([
    ['MIN_CLIENT_ARTICLES_FOR_AUDIT', '0'],
    ['MIN_CLIENT_ARTICLES_FOR_AUDIT', 'many'],
    ['MIN_CLIENT_ARTICLES_FOR_AUDIT', '2.5'],
    ['MIN_CLIENT_ARTICLES_FOR_AUDIT', ''],
    ['VALIDATE_DOMAIN_DNS', 'maybe'],
    ['SEARCH_PROVIDER', 'google'],
    ['SEARXNG_URL', 'ftp://search.test'],
    ['MAX_AUDIT_ORCHESTRATOR_DURATION', '1e9'],
  ])('refuse %s=%j', (name, value) => {
    const answer = auditEnvironment.safeParse({ [name]: value })
    expect(answer.error?.issues.map((issue) => issue.path.join('.'))).toEqual([name])
  })

  it('say what is wrong between them', () => {
    const environment = auditEnvironment.parse({
      SEARCH_PROVIDER: 'searxng',
      SEARXNG_URL: '',
      SCRAPING_RETRY_WAIT_MIN: '20',
    })
    expect(auditEnvironmentProblems(environment).map(([name]) => name)).toEqual([
      'SEARXNG_URL',
      'SCRAPING_RETRY_WAIT_MAX',
    ])
  })

  it('each say what they mean in one sentence', () => {
    for (const [name, field] of Object.entries(auditEnvironment.shape)) {
      expect(`${name}: ${field.description}`).toMatch(/: [A-Z].*\.$/)
    }
  })
})
