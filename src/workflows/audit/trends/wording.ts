/**
 * Every sentence that the trend pipeline writes, in French and English. Each one states counts of the corpus
 * and nothing else: what was not measured is not said.
 */
import type { Gap, Language } from '../types.ts'

export interface TopicCounts {
  readonly label: string
  readonly articles: number
  readonly domains: number
  readonly clientArticles: number
  readonly competitorArticles: number
  /** Competitors with at least one article on the topic. */
  readonly sources: number
  readonly competitors: number
}

export interface AngleCounts {
  readonly angle: string
  readonly label: string
  /** Articles of the topic that hold the angle. */
  readonly articles: number
  readonly articlesOfTopic: number
  /** Domains that use the angle. */
  readonly domains: number
  readonly domainsOfTopic: number
  /** Dated articles with the angle in the later and the earlier half of the window. */
  readonly recent: number
  readonly earlier: number
  readonly rising: boolean
  readonly windowDays: number
  readonly clientArticles: number
  readonly related: readonly string[]
}

interface Wording {
  intro(topic: TopicCounts): string
  reason(angle: AngleCounts): string
  title(angle: AngleCounts): string
  hook(angle: AngleCounts): string
  outline(angle: AngleCounts): string[]
  basicTitle(topic: TopicCounts): string
  basicHook(topic: TopicCounts): string
  basicOutline(topic: TopicCounts, terms: readonly string[]): string[]
  diagnostic(topic: TopicCounts, coverage: number): string
  opportunity(topic: TopicCounts, angle: string | null): string
  risk(risk: Gap['risk'], topic: TopicCounts, rising: boolean): string
  strength(topic: TopicCounts, coverage: number): string
}

const capital = (text: string): string => text.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase())
const percent = (share: number): string => String(Math.round(share * 100))
const ratio = (value: number, mark: '.' | ','): string => value.toFixed(2).replace('.', mark)
const plural = (count: number, one: string, more: string): string => `${count} ${count > 1 ? more : one}`

const frArticles = (count: number): string => plural(count, 'article', 'articles')
const frSites = (count: number): string => plural(count, 'site', 'sites')
const enArticles = (count: number): string => (count === 1 ? '1 article' : `${count} articles`)
const enSites = (count: number): string => (count === 1 ? '1 site' : `${count} sites`)

const fr: Wording = {
  intro: (topic) => `${frArticles(topic.articles)} de ${frSites(topic.domains)} sur « ${topic.label} ».`,
  reason: (angle) =>
    `Présent dans ${angle.articles} des ${frArticles(angle.articlesOfTopic)} du sujet, chez ${angle.domains} des ${frSites(angle.domainsOfTopic)}.`,
  title: (angle) =>
    angle.rising
      ? `${capital(angle.angle)} : le point sur un angle en progression`
      : `${capital(angle.angle)} : un angle à explorer pour « ${angle.label} »`,
  hook: (angle) =>
    [
      `« ${capital(angle.angle)} » figure dans ${angle.articles} des ${frArticles(angle.articlesOfTopic)} du sujet, chez ${angle.domains} des ${frSites(angle.domainsOfTopic)} qui le traitent.`,
      angle.rising
        ? `Sur ${angle.windowDays} jours : ${frArticles(angle.recent)} dans la seconde moitié, contre ${angle.earlier} dans la première.`
        : '',
      angle.clientArticles === 0 ? `Aucun article du site audité ne l'aborde.` : '',
    ]
      .filter((sentence) => sentence !== '')
      .join(' '),
  outline: (angle) => [
    `Situer « ${angle.angle} » dans « ${angle.label} ».`,
    ...angle.related.map((term) => `Le lien avec « ${term} ».`),
    'Exemples et questions du lecteur à compléter par la rédaction.',
  ],
  basicTitle: (topic) => `${capital(topic.label)} : faire le point`,
  basicHook: (topic) =>
    `${frArticles(topic.competitorArticles)} de ${topic.sources} des ${plural(topic.competitors, 'concurrent analysé', 'concurrents analysés')} sur ce sujet, ${topic.clientArticles} sur le site audité.`,
  basicOutline: (topic, terms) => [
    `Présenter le sujet « ${topic.label} ».`,
    ...terms.map((term) => `Traiter « ${term} ».`),
  ],
  diagnostic: (topic, coverage) =>
    `${frArticles(topic.clientArticles)} sur le site audité contre ${frArticles(topic.competitorArticles)} chez ${topic.sources} des ${plural(topic.competitors, 'concurrent', 'concurrents')} : couverture de ${percent(coverage)} % de la moyenne par concurrent.`,
  opportunity: (topic, angle) =>
    angle === null
      ? `Publier un premier contenu de fond sur « ${topic.label} ».`
      : `Aborder « ${topic.label} » par « ${angle} », que peu de sources développent ou qui progresse.`,
  risk: (risk, topic, rising) => {
    if (risk === 'high')
      return `Élevé : sujet en forte hausse, traité par ${plural(topic.sources, 'concurrent', 'concurrents')} et presque absent du site.`
    if (risk === 'medium') return 'Moyen : sujet en hausse et peu couvert par le site.'
    return rising
      ? 'Faible : sujet en hausse, déjà couvert en partie.'
      : 'Faible : aucune hausse mesurée sur ce sujet.'
  },
  strength: (topic, coverage) =>
    `${frArticles(topic.clientArticles)} sur « ${topic.label} », soit ${ratio(coverage, ',')} fois la moyenne par concurrent (${topic.competitors} analysés).`,
}

const en: Wording = {
  intro: (topic) => `${enArticles(topic.articles)} from ${enSites(topic.domains)} on “${topic.label}”.`,
  reason: (angle) =>
    `Found in ${angle.articles} of the topic's ${enArticles(angle.articlesOfTopic)}, on ${angle.domains} of its ${enSites(angle.domainsOfTopic)}.`,
  title: (angle) =>
    angle.rising
      ? `${capital(angle.angle)}: taking stock of a rising angle`
      : `${capital(angle.angle)}: an angle to explore in “${angle.label}”`,
  hook: (angle) =>
    [
      `“${capital(angle.angle)}” appears in ${angle.articles} of the topic's ${enArticles(angle.articlesOfTopic)}, on ${angle.domains} of the ${enSites(angle.domainsOfTopic)} that cover it.`,
      angle.rising
        ? `Over ${angle.windowDays} days: ${enArticles(angle.recent)} in the second half, ${angle.earlier} in the first.`
        : '',
      angle.clientArticles === 0 ? 'No article of the audited site deals with it.' : '',
    ]
      .filter((sentence) => sentence !== '')
      .join(' '),
  outline: (angle) => [
    `Place “${angle.angle}” within “${angle.label}”.`,
    ...angle.related.map((term) => `How it relates to “${term}”.`),
    'Examples and reader questions, to be filled in by the editors.',
  ],
  basicTitle: (topic) => `${capital(topic.label)}: where things stand`,
  basicHook: (topic) =>
    `${enArticles(topic.competitorArticles)} from ${topic.sources} of ${plural(topic.competitors, 'analysed competitor', 'analysed competitors')} on this topic, ${topic.clientArticles} on the audited site.`,
  basicOutline: (topic, terms) => [
    `Introduce the topic “${topic.label}”.`,
    ...terms.map((term) => `Cover “${term}”.`),
  ],
  diagnostic: (topic, coverage) =>
    `${enArticles(topic.clientArticles)} on the audited site against ${enArticles(topic.competitorArticles)} from ${topic.sources} of ${plural(topic.competitors, 'competitor', 'competitors')}: coverage is ${percent(coverage)}% of the mean per competitor.`,
  opportunity: (topic, angle) =>
    angle === null
      ? `Publish a first in-depth piece on “${topic.label}”.`
      : `Approach “${topic.label}” through “${angle}”, which few sources develop or which is rising.`,
  risk: (risk, topic, rising) => {
    if (risk === 'high')
      return `High: the topic is rising fast, ${plural(topic.sources, 'competitor covers', 'competitors cover')} it and the site hardly does.`
    if (risk === 'medium') return 'Medium: the topic is rising and the site covers little of it.'
    return rising
      ? 'Low: the topic is rising, and the site covers part of it.'
      : 'Low: no rise was measured on this topic.'
  },
  strength: (topic, coverage) =>
    `${enArticles(topic.clientArticles)} on “${topic.label}”, ${ratio(coverage, '.')} times the mean per competitor (${topic.competitors} analysed).`,
}

/** The sentences of one language. */
export const WORDING: Readonly<Record<Language, Wording>> = { fr, en }
