/**
 * Evidence of how words are used, counted from their neighbours: a word that follows `il`, `ne`, `qui`, `to` or
 * `will` more often than `le`, `une`, `de`, `the` or `with` is a verb there, and a verb names no subject. No
 * dictionary of the language is needed, and the counts are those of the corpus itself.
 */
import type { Language } from '../types.ts'
import { isStopWord } from './stop-words.ts'
import type { Token } from './tokens.ts'

/** What the neighbours of a word spoke for, each time it occurred. */
export interface WordUse {
  /** Occurrences in all. */
  seen: number
  /** Behind what stands before nouns (or what may take their place). */
  noun: number
  /** Behind what stands before verbs. */
  verb: number
  /** Before what begins an object, with nothing before it that tells: a weak sign of a verb. */
  acts: number
}

/** What one occurrence is a sign of. */
export type Sign = Exclude<keyof WordUse, 'seen'>

/** By language, then by lower-cased word. */
export type WordUses = Readonly<Record<Language, Map<string, WordUse>>>

interface Cues {
  /** Words before a verb: its subject, its negation, its auxiliary. */
  readonly beforeVerb: ReadonlySet<string>
  /** Words before a noun: articles, possessives, numerals, prepositions. */
  readonly beforeNoun: ReadonlySet<string>
  /** Of those before a noun, the ones that stand before the plain form of a verb as well. */
  readonly beforeEither: ReadonlySet<string>
  /** Articles and the like that are pronouns when a subject stands before them: `il la charge`. */
  readonly pronouns: ReadonlySet<string>
  /** Words that begin the object of a verb: a word right before them acts on it. */
  readonly afterVerb: ReadonlySet<string>
}

const set = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const CUES: Readonly<Record<Language, Cues>> = {
  fr: {
    beforeVerb: set(`
      je j' tu il elle on nous vous ils elles ne n' se s' me m' te t' qui ça cela ceci y
      peut peux peuvent pouvez pouvons pourra pourrait doit dois doivent devez devons devra devrait faut faudra
      va vais vas vont allez allons veut veulent voulez sait savent fait font laisse laissent faire
      ai as a avons avez ont avait avaient aura auront ayant avoir`),
    beforeNoun: set(`
      le la les l' un une des du au aux ce cet cette ces mon ma mes ton ta tes son sa ses notre nos votre vos leur
      leurs chaque quel quelle quels quelles plusieurs quelques aucun aucune certains certaines toute toutes deux
      trois quatre cinq six sept huit neuf dix cent mille de d' à en par avec sous sur dans chez entre vers contre
      selon sans pour comme`),
    beforeEither: set("de d' à pour sans par"),
    pronouns: set("le la les l' leur"),
    afterVerb: set(
      "le la les l' un une des ce cet cette ces son sa ses leur leurs notre nos votre vos chaque",
    ),
  },
  en: {
    beforeVerb: set(`
      i you he she it we they who that will would can could should must may might shall cannot can't couldn't won't
      wouldn't shouldn't do does did don't doesn't didn't let lets let's never always often to please`),
    beforeNoun: set(`
      the a an this these those my your his its our their each every any some no of in on at by with from for
      between per into onto under over within through both against about like as than two three four five six
      seven eight nine ten many few several most all`),
    beforeEither: set('of in on at by with from for between through against about like as than'),
    pronouns: set('this these those'),
    afterVerb: set('the a an this these those my your his its our their each every'),
  },
}

/** Endings of the plain form of a French verb; nouns such as `atelier` have them too, so they prove nothing. */
const FRENCH_INFINITIVE = /(?:er|ir|re)$/
/** Endings of the plain form and of the third person plural that few nouns have. */
const FRENCH_LIKELY_VERB = /(?:..[^i]er|[^o]ir|[aeo]ndre|uire|..[^m]ent)$/
/** Before the plain form of a verb these need no object behind it. */
const FRENCH_PURPOSE = set('pour sans')
/** After a plural, `-ent` is the ending of a verb: an adjective would have an s. */
const FRENCH_PLURAL_VERB = /(?<!m)ent$/
const ENGLISH_PARTICIPLE = /(?:ing|ed)$/
const ENGLISH_BE = set("is are was were be been being isn't aren't wasn't weren't")
const ENGLISH_HAVE = set("have has had having haven't hasn't hadn't")
/** Words counted per language; text cannot make the table grow without end. */
const MAX_WORDS = 200_000

export function newWordUses(): WordUses {
  return { fr: new Map(), en: new Map() }
}

/** Counts the words of a text; `tokens` are those of `text`, in order. A pause (comma, full stop) parts neighbours. */
export function countUses(
  uses: WordUses,
  text: string,
  tokens: readonly Pick<Token, 'word' | 'start' | 'end'>[],
  language: Language,
): void {
  const known = uses[language]
  const isClose = tokens.map(({ start }, at) => {
    const end = tokens[at - 1]?.end ?? -1
    return end >= 0 && /^\s*$/.test(text.slice(end, start))
  })
  const wordAt = (at: number): string => tokens[at]?.word ?? ''
  tokens.forEach(({ word }, at) => {
    if (isStopWord(word, language) || word.endsWith("'")) return
    const isBehind = isClose[at] === true
    const sign = signOf(
      {
        word,
        before: isBehind ? wordAt(at - 1) : '',
        beforeThat: isBehind && isClose[at - 1] === true ? wordAt(at - 2) : '',
        after: isClose[at + 1] === true ? wordAt(at + 1) : '',
      },
      language,
    )
    const counts = known.get(word) ?? { seen: 0, noun: 0, verb: 0, acts: 0 }
    if (!known.has(word) && known.size < MAX_WORDS) known.set(word, counts)
    counts.seen += 1
    if (sign !== null) counts[sign] += 1
  })
}

/** A word among its neighbours, all lower-cased; an empty string where a pause or the end of the text is. */
export interface Neighbours {
  readonly word: string
  readonly before: string
  readonly beforeThat: string
  readonly after: string
}

/** What the neighbours of one word speak for; null when they say nothing. */
export function signOf(neighbours: Neighbours, language: Language): Sign | null {
  const { word, before, beforeThat, after } = neighbours
  const cues = CUES[language]
  const isObject = cues.pronouns.has(before) && cues.beforeVerb.has(beforeThat)
  if (isObject || hasVerbForm(word, before, language)) return 'verb'
  if (cues.beforeVerb.has(before)) return isPlainEnglishNoun(word, before) ? 'noun' : 'verb'
  const actsOn = cues.afterVerb.has(after)
  if (!cues.beforeNoun.has(before)) return actsOn ? 'acts' : null
  if (!cues.beforeEither.has(before) || !isPlainForm(word, language)) return 'noun'
  if (actsOn) return 'verb'
  return FRENCH_PURPOSE.has(before) ? 'acts' : null
}

/** The form of a verb that a preposition may stand before. */
function isPlainForm(word: string, language: Language): boolean {
  return language === 'fr' ? FRENCH_INFINITIVE.test(word) : /ing$/.test(word)
}

/** True when the ending of the word, right behind `before`, is that of a verb. */
function hasVerbForm(word: string, before: string, language: Language): boolean {
  if (language === 'fr') {
    return /[sx]$/.test(before) && !isStopWord(before, 'fr') && FRENCH_PLURAL_VERB.test(word)
  }
  return ENGLISH_BE.has(before) ? ENGLISH_PARTICIPLE.test(word) : ENGLISH_HAVE.has(before) && /ed$/.test(word)
}

/** No verb ends in a single s after `to`: `to neighbours` is a direction. */
function isPlainEnglishNoun(word: string, before: string): boolean {
  return before === 'to' && /[^s]s$/.test(word)
}

/**
 * What the counts make of a lower-cased word; null when they say nothing clear. A French word that nothing speaks
 * for is taken for a verb when it has the ending of a plain form or of a plural: `devenir`, `déclarent`.
 */
export function roleOf(uses: WordUses, word: string, language: Language | null): 'noun' | 'verb' | null {
  const use = language === null ? undefined : uses[language].get(word)
  const { seen, noun, verb, acts } = use ?? { seen: 0, noun: 0, verb: 0, acts: 0 }
  if (noun + verb > 0) {
    const verbal = verb + acts / 2
    if (noun !== verbal) return noun > verbal ? 'noun' : 'verb'
  } else if (acts > 1 && acts * 2 > seen) return 'verb'
  return language === 'fr' && noun === 0 && FRENCH_LIKELY_VERB.test(word) ? 'verb' : null
}

/** The first and the last word of a wording, lower-cased: of `Prix d'achat` they are `prix` and `achat`. */
export function endsOf(wording: string): readonly [string, string] {
  const words = wording
    .toLowerCase()
    .split(/[\s'’]+/)
    .filter((word) => word !== '')
  return [words[0] ?? '', words.at(-1) ?? '']
}
