/** Stop words of French and English: the stopwords-iso lists, with what they wrongly hold and what they lack. */
import { createRequire } from 'node:module'
import type lists from 'stopwords-iso'
import type { Language } from '../types.ts'

/** On the published lists, yet they name subjects that people write about. */
const SUBJECTS: Readonly<Record<Language, string>> = {
  fr: 'essai multiple naturel naturelle parole pièce valeur',
  en: `area areas computer detail fire goods group index information interest invention member members microsoft
    mill netscape novel order orders problem research room rooms state states system test value width work working
    world years young`,
}

/** Too common to tell one text from another, and not on the published lists. */
const COMMON: Readonly<Record<Language, string>> = {
  fr: `ans année années aller bon bonne bonnes bons mauvais mauvaise mauvaises chose choses cliquer cliquez copyright dernières derniers
    doivent découvrez découvrir etc facile faire faut grâce grand grande grandes grands jour jours lire mettre
    mieux mise mois nouvel nouvelle nouvelles petit petite petites petits permettant permettent permettre plusieurs
    pouvez pouvoir pouvons prendre proposons quelqu retrouvez savoir simple simplement souhaitez tweet trouver
    utiliser vient voulez vouloir voir www http https html ça
    autour cent cents centaine côté côtés demande demander demandent euro euros heure heures minute minutes moitié
    page pages reste seconde secondes semaine semaines temps vraiment the and your you of for with are is this that from our
    lundi mardi mercredi jeudi vendredi samedi dimanche
    janvier février mars avril mai juin juillet août septembre octobre novembre décembre`,
  en: `big comes copyright day days easily easy etc find good high html http https include includes including long
    lot lots make month months need needs people read simple simply start takes time tweet use used user-friendly
    way ways week weeks www year years
    half hour hours minute minutes les des une pour dans avec nous vous est sur
    monday tuesday wednesday thursday friday saturday sunday
    january february march april may june july august september october november december`,
}

/** Small words that may stand inside a phrase: `gestion de projet`, `terms of use`. */
const LINKS: Readonly<Record<Language, string>> = {
  fr: "de du des d' la le les l' à en au aux",
  en: 'of',
}

const split = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

const load = createRequire(import.meta.url)

function stopWords(language: Language): ReadonlySet<string> {
  const published = load('stopwords-iso') as typeof lists
  const words = new Set(published[language].map((word) => word.normalize('NFC').toLowerCase()))
  for (const word of split(SUBJECTS[language])) words.delete(word)
  for (const word of split(COMMON[language])) words.add(word)
  for (const word of split(LINKS[language])) words.add(word)
  return words
}

let stop: Readonly<Record<Language, ReadonlySet<string>>> | null = null

/** Loaded with the first word: the lists of sixty languages come in one file. */
function stopWordsOf(language: Language): ReadonlySet<string> {
  stop ??= { fr: stopWords('fr'), en: stopWords('en') }
  return stop[language]
}
const LINKING: Readonly<Record<Language, ReadonlySet<string>>> = {
  fr: new Set(split(LINKS.fr)),
  en: new Set(split(LINKS.en)),
}

/** True when the lower-cased word says nothing of the subject; a null language is tried as both. */
export function isStopWord(word: string, language: Language | null): boolean {
  if (language !== null) return stopWordsOf(language).has(word)
  return stopWordsOf('fr').has(word) || stopWordsOf('en').has(word)
}

/** True when the lower-cased word may link two content words of one phrase. */
export function isLinkWord(word: string, language: Language | null): boolean {
  return language !== null && LINKING[language].has(word)
}
