/** Remembers the fingerprints of articles, to recognise a text that came before. No I/O. */
import { isNearDuplicate } from '../text/simhash.ts'

export interface NearDuplicates {
  /** The `urlHash` of the first article whose text nearly equals this one's; null when there is none. */
  find(simhash: string): string | null
  add(urlHash: string, simhash: string): void
}

/** Opens an empty memory; it is searched one by one, which is cheap for the some hundred articles of one site. */
export function openNearDuplicates(): NearDuplicates {
  const known: { urlHash: string; simhash: string }[] = []
  return {
    find: (simhash) => known.find((article) => isNearDuplicate(article.simhash, simhash))?.urlHash ?? null,
    add: (urlHash, simhash) => void known.push({ urlHash, simhash }),
  }
}
