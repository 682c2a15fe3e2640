/** Chooses the search provider. A further provider is one file beside `searxng.ts` and one case here. */
import { RowbeatError } from '../../../core/errors.ts'
import type { Outbound } from '../../../core/ports.ts'
import type { SearchProvider } from '../types.ts'
import { createSearxng } from './searxng.ts'

export interface SearchSettings {
  readonly provider: 'searxng' | 'none'
  /** Base address of a SearXNG, for instance `https://search.client.fr`; null when not set. */
  readonly searxngUrl: string | null
}

/**
 * The provider that the settings ask for, null for `none`. Throws PROVIDER_NOT_CONFIGURED when its own settings
 * are missing or wrong.
 */
export function createSearchProvider(settings: SearchSettings, outbound: Outbound): SearchProvider | null {
  switch (settings.provider) {
    case 'none':
      return null
    case 'searxng':
      if (settings.searxngUrl === null || settings.searxngUrl.trim() === '') {
        throw new RowbeatError(
          'PROVIDER_NOT_CONFIGURED',
          'SEARCH_PROVIDER is searxng but SEARXNG_URL is not set',
        )
      }
      return createSearxng(outbound, settings.searxngUrl)
  }
}
