/** Syllables of French and English words as they are spoken, counted by rule. */
import type { Language } from '../types.ts'

/** Number of spoken syllables of a word, at least 1; for text statistics, right for about nine words in ten. */
export function countSyllables(word: string, language: Language): number {
  const bare = word.toLowerCase().normalize('NFC')
  const parts =
    language === 'fr'
      ? bare.split(/[-']/).filter((part) => !ELIDED.test(part))
      : bare.replace(/'/g, '').split('-')
  const count = language === 'fr' ? frenchSyllables : englishSyllables
  const sum = parts.filter((part) => /\p{L}/u.test(part)).reduce((total, part) => total + count(part), 0)
  return Math.max(1, sum)
}

// ── French ───────────────────────────────────────────────────────────────────────────────────────────────

/** Spoken with the word that follows. */
const ELIDED = /^(?:[cdjlmnst]|qu)$/
/** Words in `-ent` whose last syllable is spoken although they are not in `-ment`: nouns, adjectives, adverbs. */
const SPOKEN_ENT =
  /^(?:(?:in|ré|re|ac)?cent|absent|accident|adhérent|adolescent|agent|apparent|argent|client|coefficient|cohérent|compétent|concurrent|conscient|content|continent|couvent|dent|différent|divergent|efficient|escient|excellent|fervent|fréquent|impatient|imminent|incident|indifférent|influent|ingrédient|innocent|insolent|intelligent|lent|négligent|occident|opulent|orient|parent|patient|permanent|pertinent|précédent|présent|président|prudent|quotient|récipient|récurrent|résident|serpent|souvent|strident|talent|torrent|transparent|trident|turbulent|urgent|vent|violent|virulent|équivalent|évident)s?$/
/** Verbs in `-ment` that end silent in the third person plural. */
const SILENT_MENT =
  /^(?:ai|affir|for|trans?for|infor|confor|ani|esti|expri|impri|suppri|consom|consu|assu|résu|présu|nom|program|fer|dor|ryth|légiti|opti|maxi|blâ|acclam|réclam|proclam|enfer|ar|char|fu|sè)m?ent$/

/**
 * Vowel groups, without the silent endings `-e -es -ent`, after `qu` and `gu`; `é`, `è` and diaereses begin a
 * syllable after a, e, o; `i` before a vowel is a syllable after consonant + l or r (`client`).
 */
function frenchSyllables(word: string): number {
  const spoken = withoutSilentEnd(
    word.replace(/qu(?=[aeiouyéèêëàâîïôœ])/g, 'q').replace(/gu(?=[eiéèêîy])/g, 'g'),
  )
    .replace(/([aeouàâéèêô])y(?=[aeouéèê])/g, '$1j')
    .replace(/([bcdfgptv][lr])([iu])(?=[aeoéèê])/g, '$1$2-')
    .replace(/([aeoé])(?=[éèêëïüî])/g, '$1-')
    .replace(/é(?=[aeiouâàè])/g, 'é-')
    .replace(/a(?=o(?!û))/g, 'a-')
    .replace(/o(?=a)/g, 'o-')
  return Math.max(1, spoken.match(/[aeiouyàâäéèêëîïôöùûüœæ]+/g)?.length ?? 0)
}

function withoutSilentEnd(word: string): string {
  if (word.endsWith('ent') && word.length > 4) {
    const spoken = word.endsWith('ment') ? !SILENT_MENT.test(word) : SPOKEN_ENT.test(word)
    if (!spoken) return word.slice(0, -3)
  }
  return /[aeiouyàâéèêîôû]/.test(word.replace(/es?$/, '').replace(/[gq]u$/, ''))
    ? word.replace(/es?$/, '')
    : word
}

// ── English ──────────────────────────────────────────────────────────────────────────────────────────────

const ENGLISH: Readonly<Record<string, number>> = {
  area: 3,
  business: 2,
  businesses: 3,
  colleague: 2,
  creature: 2,
  evening: 2,
  eye: 1,
  eyes: 1,
  every: 2,
  guideline: 2,
  guidelines: 2,
  idea: 3,
  ideas: 3,
  people: 2,
  poem: 2,
  poetry: 3,
  queue: 1,
  reality: 4,
  recipe: 3,
  science: 2,
  something: 2,
  sometimes: 2,
  therefore: 2,
  wednesday: 2,
}
/** Places where a syllable more is spoken than there are groups of vowels, each with an example. */
const ENGLISH_MORE: readonly RegExp[] = [
  /[aeiouy]ing/, // going
  /(?<![cgstx])ia(?!ge)/, // material
  /(?<![cgstxl])io(?!n)/, // serious
  /(?<![cst])ie(?=n[ct]|t)/, // client, variety
  /i[iu]/, // medium
  /eo(?![nup])/, // video
  /crea(?=t(?!u))/, // creation
  /(?<![gq])u[ae](?=[lt])/, // actual, fuel
  /uou/, // continuous
  /[aeou]y(?=[aei])/, // player
  /[^aeiouy]l(?:es?|ed)$/, // table
  /(?:s|th)ms?$/, // tourism, algorithm
  /dnt$/, // didn't
]

/** Vowel groups, without silent final `e`, `-es` and `-ed`, with the usual exceptions. */
function englishSyllables(word: string): number {
  if (Object.hasOwn(ENGLISH, word)) return ENGLISH[word] ?? 1
  const spoken = word
    .replace(/([^aeiouy])(?:less|ful|ness|ly|ment)(s?)$/, '$1')
    .replace(/e(?:less|ful|ness|ly|ment)s?$/, '')
  const suffix = spoken === word ? 0 : 1
  const base = withoutSilentE(spoken)
  const groups = base.match(/[aeiouy]+/g)?.length ?? 0
  const more = ENGLISH_MORE.filter((place) => place.test(spoken)).length
  return Math.max(1, groups + more) + suffix
}

function withoutSilentE(word: string): string {
  if (/(?:[sxz]|[cs]h|[cg])es$/.test(word) || /[td]ed$/.test(word)) return word
  if (word.length <= 3 && !/[aiouy].*e$/.test(word)) return word
  return word.replace(/(?:e|es|ed)$/, '')
}
