/**
 * What stands above an article and is none of it: its rubric, who wrote it, when, and how long it takes to read.
 * Left in, it would name topics after authors and tell two copies of one text apart by their dates.
 */
import type { TextBlock } from './blocks.ts'

/** Blocks from the top that are looked at. */
const MAX_LOOKED_AT = 8
/** A block with more words is the text itself: nothing behind it is taken out. */
const MAX_BYLINE_WORDS = 25
const MAX_RUBRIC_WORDS = 5
/** Words that may be left beside a date: a place, a rubric. */
const MAX_REST_WORDS = 3

const MONTH =
  '(?:janv(?:ier)?|févr(?:ier)?|fevr(?:ier)?|mars|avr(?:il)?|mai|juin|juil(?:let)?|août|aout|sept(?:embre)?|oct(?:obre)?|nov(?:embre)?|déc(?:embre)?|decembre|' +
  'jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:tember)?|october|november|dec(?:ember)?)\\.?'
const DAY =
  '(?:(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|tue|wed|thu|fri|sat|sun)\\.?),?\\s+)?'
const YEAR = '(?:19|20)\\d{2}'

const DATES = [
  // 2026-06-10T08:00:00Z, 2026-06-10
  `${YEAR}-\\d{2}-\\d{2}(?:[T ]\\d{2}:\\d{2}(?::\\d{2})?(?:\\.\\d+)?(?:Z|[+-]\\d{2}:?\\d{2})?)?`,
  // 10/06/2026, 10.06.26
  '\\d{1,2}[/.]\\d{1,2}[/.](?:\\d{4}|\\d{2})',
  // mercredi 10 juin 2026, 1er juin, 10th June 2026
  `${DAY}(?:the\\s+)?\\d{1,2}(?:er|st|nd|rd|th)?\\s+(?:of\\s+)?${MONTH}(?:,?\\s+${YEAR})?`,
  // Wednesday, June 10, 2026
  `${DAY}${MONTH}\\s+\\d{1,2}(?:st|nd|rd|th)?(?:,?\\s+${YEAR})?`,
  // juin 2026
  `${MONTH}\\s+${YEAR}`,
  // il y a 3 jours, 3 days ago
  'il y a \\d+ \\p{L}+',
  '\\d+ (?:minutes?|hours?|days?|weeks?|months?|years?) ago',
]
/** 10:30, 10 h 30, 10h, 10.30 am, UTC */
const TIME =
  '(?:à\\s+|at\\s+)?\\d{1,2}(?:[:.]\\d{2}(?::\\d{2})?(?:\\s*[ap]\\.?m\\.?)?|\\s*[ap]\\.?m\\.?|\\s?h(?:\\s?\\d{2})?)(?:\\s*(?:utc|gmt|ce?s?t))?'
const READING =
  '(?:(?:temps|durée) de lecture|lecture|reading time|read time)\\s*:?\\s*(?:de\\s+)?(?:environ\\s+|about\\s+)?\\d+\\s*(?:min(?:ute)?s?|mn)\\.?|' +
  '(?:lecture (?:de|en)\\s+)?\\d+[\\s-]*(?:min(?:ute)?s?|mn)\\.?\\s*(?:de lecture|to read|reading|read)'
const VERB =
  '(?:(?:dernière|derniere)\\s+(?:mise à jour|modification)|mise? à jour|publiée?s?|postée?s?|parue?s?|modifiée?s?|actualisée?s?|rédigée?s?|écrite?s?|' +
  '(?:last\\s+)?(?:updated?|modified|reviewed)|published|posted|written|first published)'
const WORD_START = '(?<![\\p{L}\\p{N}])'
const WORD_END = '(?![\\p{L}\\p{N}])'
const PARTICLE = "(?:de|du|des|d'|d’|la|le|van|von|der|den|di|da|dos|ben|el|al)"
const NAME = `\\p{Lu}[\\p{L}.'’-]*(?:\\s+(?:${PARTICLE}\\s*)*\\p{Lu}[\\p{L}.'’-]*){0,4}`

const any = (...patterns: string[]): string => `${WORD_START}(?:${patterns.join('|')})${WORD_END}`
const DATE_PATTERN = new RegExp(any(...DATES), 'giu')
const TIME_PATTERN = new RegExp(any(TIME, READING), 'giu')
const READING_PATTERN = new RegExp(any(READING), 'iu')
const VERB_PATTERN = new RegExp(any(VERB), 'giu')
/** Case counts: a name starts with a capital. */
const AUTHOR = new RegExp(
  `${WORD_START}(?:[Pp]ar|PAR|[Bb]y|BY|[Aa]ut(?:eur|rice|hor)e?\\s*:|[Tt]exte\\s*:)\\s+${NAME}(?:(?:\\s*,\\s*|\\s+(?:et|and|&)\\s+)${NAME})*${WORD_END}`,
  'u',
)
const SMALL_WORDS = new RegExp(
  any('le', 'la', 'à', 'au', 'par', 'dans', 'on', 'at', 'by', 'in', 'the'),
  'giu',
)

/**
 * The blocks without the short lines at the top that only say author, date, time or reading time, in French or
 * English, and without a rubric above the first line of text. Headings stay; what follows the first long block
 * stays; a text that would lose all its blocks keeps them. `author` is the name that the page's marks give.
 */
export function withoutBylines(blocks: readonly TextBlock[], author: string | null): TextBlock[] {
  const end = blocks.findIndex((block, at) => at >= MAX_LOOKED_AT || isText(block))
  const top = blocks.slice(0, end < 0 ? 0 : end)
  const kept = top.filter(
    (block, at) => isHeading(block) || !(isByline(block.text, author) || isRubric(top, at)),
  )
  return [...kept, ...blocks.slice(top.length)]
}

/** True when nothing is left of a short line once author, dates and times are taken out of it. */
export function isByline(line: string, author: string | null = null): boolean {
  if (countWords(line) > MAX_BYLINE_WORDS) return false
  const undated = line.replace(DATE_PATTERN, ' ')
  const unsigned = withoutAuthor(undated, author)
  const rest = unsigned.replace(TIME_PATTERN, ' ').replace(VERB_PATTERN, ' ').replace(SMALL_WORDS, ' ')
  if (countWords(rest) === 0) return undated !== line || unsigned !== undated || READING_PATTERN.test(line)
  const isDated = undated !== line && !/[.!?…]\s*$/.test(line)
  return isDated && countWords(rest) <= MAX_REST_WORDS && /^[\p{Lu}\p{P}\p{S}\s]/u.test(rest.trim())
}

function withoutAuthor(line: string, author: string | null): string {
  const unsigned = line.replace(AUTHOR, ' ')
  return author === null || author.length < 3 ? unsigned : unsigned.replaceAll(author, ' ')
}

/** A few words without an end above the text, such as the name of its category; only the first line can be one. */
function isRubric(top: readonly TextBlock[], at: number): boolean {
  const block = top[at]
  if (block === undefined || top.slice(0, at).some((before) => !isHeading(before))) return false
  if (block.tag === 'li' || block.tag === 'blockquote') return false
  return countWords(block.text) <= MAX_RUBRIC_WORDS && !/[.!?…:;»"]$/.test(block.text)
}

function isHeading(block: TextBlock): boolean {
  return /^h[1-6]$/.test(block.tag)
}

function isText(block: TextBlock): boolean {
  return !isHeading(block) && countWords(block.text) > MAX_BYLINE_WORDS
}

function countWords(text: string): number {
  return text.match(/[\p{L}\p{N}]+(?:['’.-][\p{L}\p{N}]+)*/gu)?.length ?? 0
}
