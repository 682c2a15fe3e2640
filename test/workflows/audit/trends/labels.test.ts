import { describe, expect, it } from 'vitest'
import { type Corpus, readCorpus } from '../../../../src/workflows/audit/trends/corpus.ts'
import { labelOf } from '../../../../src/workflows/audit/trends/labels.ts'
import { findPhrases } from '../../../../src/workflows/audit/trends/phrases.ts'
import { termsOfGroups } from '../../../../src/workflows/audit/trends/topic-terms.ts'
import type { Language, TrendArticle } from '../../../../src/workflows/audit/types.ts'
import { AS_OF } from './sample-corpus.ts'

type Written = readonly [title: string, text: string]

function corpusOf(groups: readonly (readonly Written[])[], language: Language): Corpus {
  const articles = groups.flatMap((group, at) =>
    group.map(
      ([title, text], n): TrendArticle => ({
        id: `${at}-${n}`,
        domain: `site${n}.test`,
        role: 'competitor',
        title,
        text: `${text} ${n}`,
        language,
        publishedAt: AS_OF.toISOString(),
        url: `https://site${n}.test/${at}`,
      }),
    ),
  )
  return readCorpus(articles, AS_OF.getTime())
}

/** The labels of groups of articles. */
function labels(groups: readonly (readonly Written[])[], language: Language = 'fr'): string[] {
  const corpus = corpusOf(groups, language)
  const places = groups.map((_, at) =>
    corpus.articles.flatMap(({ id }, place) => (id.startsWith(`${at}-`) ? [place] : [])),
  )
  const terms = termsOfGroups(corpus, places)
  return places.map((members, at) => labelOf(corpus, members, terms[at] ?? [], findPhrases(corpus, members)))
}

const ROBOTS: Written[] = [
  ['Robot de trottoir : la promesse', 'Le robot de trottoir roule lentement. Il roule avec des capteurs.'],
  ['Pourquoi nous avons rendu le robot', 'Un robot de trottoir coûte cher, et ses capteurs roulent peu.'],
  ['Le robot de trottoir attend', 'Ce robot de trottoir attend la livraison. Il attend les clients.'],
]
const ZONES: Written[] = [
  ['Zone à faibles émissions', 'La zone à faibles émissions change les tournées. Elle change les horaires.'],
  ['Livrer la zone', 'Dans une zone à faibles émissions, la dérogation est rare et la vignette utile.'],
  ['Une dérogation', 'La zone à faibles émissions demande une dérogation pour les utilitaires.'],
]
const HUBS: Written[] = [
  ['Le micro-hub', 'Un micro-hub demande un quai. Le tri se fait au quai, la nuit.'],
  [
    'Partager un micro-hub',
    'Le micro-hub tient dans un parking. Le tri occupe la surface, et le quai aussi.',
  ],
  ['Cinq règles du micro-hub', 'Le micro-hub mutualise le tri des colis. Un quai suffit à tous.'],
]

describe('the label of a topic', () => {
  it('is a phrase where most articles hold one', () => {
    const [robots, zones] = labels([ROBOTS, ZONES, HUBS])
    expect(robots).toBe('Robot de trottoir')
    expect(zones).toBe('Zone à faibles émissions')
  })

  it('is two nouns where one word says too little', () => {
    expect(labels([ROBOTS, ZONES, HUBS])[2]).toMatch(/^Micro-hub et (?:quai|tri)$/)
  })

  it('holds no verb, even one that every article holds', () => {
    const rolling: Written[] = [
      ['Il roule', 'Le pneu est usé. Il roule, elle roule et tout roule : le pneu aussi.'],
      ['Elle roule', 'Ce pneu vieillit. Il roule encore, on roule trop.'],
      ['Qui roule', 'Un pneu neuf aide celui qui roule. Elle roule tard.'],
    ]
    const [label] = labels([rolling, ZONES])
    expect(label).toMatch(/^Pneu/)
    expect(label).not.toMatch(/roule/)
  })

  it('is joined in the language of the articles, without possessives', () => {
    const cages: Written[] = [
      ['Parcel cages', "The cage's arrival wakes the street. Parcels wait in the cage."],
      ['A cage of parcels', "We time the cage's arrival. The parcels fill a cage."],
      ['Parcels by night', "A cage's arrival is loud. The parcels leave the cage."],
    ]
    const beds: Written[] = [
      ['Compost', 'The compost feeds the soil. Seedlings love the compost.'],
      ['Seedlings', 'The seedlings need compost and a greenhouse.'],
      ['The greenhouse', 'Seedlings grow in the greenhouse with compost.'],
    ]
    const found = labels([cages, beds], 'en')
    expect(found[0]).toMatch(/^(?:Cage|Parcels|Parcel) (?:cages|and \w+)$/)
    expect(found[1]).toMatch(/^(?:Compost|Seedlings) and (?:compost|seedlings)$/)
    expect(found.join(' ')).not.toMatch(/'s/)
  })

  it('is the same whatever the order of the articles, and empty without a term', () => {
    const turned = [ROBOTS.toReversed(), ZONES.toReversed(), HUBS.toReversed()]
    expect(labels(turned)).toEqual(labels([ROBOTS, ZONES, HUBS]))
    expect(labelOf(corpusOf([ROBOTS], 'fr'), [0, 1], [], [])).toBe('')
  })
})

describe('the phrases of a topic', () => {
  it('hold up to three words, and no part of a longer one that it is always met in', () => {
    const corpus = corpusOf([ZONES], 'fr')
    const texts = findPhrases(corpus, [0, 1, 2]).map(({ text }) => text)
    expect(texts).toContain('zone à faibles émissions')
    expect(texts).not.toContain('faibles émissions')
    expect(texts.join(' ')).not.toMatch(/change|demande/)
  })
})
