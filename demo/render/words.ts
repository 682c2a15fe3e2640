/** Words of the page furniture in both languages. */
import type { DemoTopic } from '../content.ts'
import type { DemoLanguage } from '../sites.ts'

export const WORDS = {
  fr: {
    by: 'Par',
    related: 'À lire aussi',
    latest: 'Nos derniers articles',
    all: 'Tous les articles',
    newer: 'Articles plus récents',
    older: 'Articles plus anciens',
    page: 'page',
    notFound: 'Page introuvable',
    notFoundText: 'Cette page n’existe pas ou n’existe plus.',
    skip: 'Aller au contenu',
  },
  en: {
    by: 'By',
    related: 'Read next',
    latest: 'Latest articles',
    all: 'All articles',
    newer: 'Newer articles',
    older: 'Older articles',
    page: 'page',
    notFound: 'Page not found',
    notFoundText: 'This page does not exist, or no longer does.',
    skip: 'Skip to content',
  },
} as const satisfies Record<DemoLanguage, Record<string, string>>

export const TOPIC_LABELS: Readonly<Record<DemoTopic, Readonly<Record<DemoLanguage, string>>>> = {
  batteries: { fr: 'Batteries', en: 'Batteries' },
  'micro-hubs': { fr: 'Hubs urbains', en: 'Urban hubs' },
  froid: { fr: 'Chaîne du froid', en: 'Cold chain' },
  zfe: { fr: 'Accès à la ville', en: 'City access' },
  maintenance: { fr: 'Entretien', en: 'Maintenance' },
  financement: { fr: 'Financement', en: 'Finance' },
  formation: { fr: 'Équipes', en: 'People' },
  robots: { fr: 'Robots et drones', en: 'Robots' },
}

/** `12 mars 2026` or `12 March 2026`, in UTC. */
export function longDate(date: Date, language: DemoLanguage): string {
  const locale = language === 'fr' ? 'fr-FR' : 'en-GB'
  return new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' }).format(date)
}
