/** Which language a text is written in. */
import type { Language } from '../types.ts'

export interface DetectedLanguage {
  /** ISO 639-1; null when neither the text nor its declaration tells. */
  readonly code: string | null
  /** The code when it is a language that the audit analyses. */
  readonly language: Language | null
  /** True when the detector is sure, or agrees with the declaration. */
  readonly reliable: boolean
}

interface Detector {
  detect(text: string): { readonly language: string; isReliable(): boolean }
}

/** Characters looked at; more do not make the answer better. */
const MAX_CHARACTERS = 10_000
/** Below this the declaration of the page is trusted rather than a guess from so little. */
const MIN_CHARACTERS = 25

let loading: Promise<Detector> | null = null

/**
 * Loads the n-gram tables of the detector, about 90 MB of memory, once per process. Meant for worker threads;
 * everything that never asks for a language never pays for it.
 */
export function loadLanguageDetector(): Promise<Detector> {
  loading ??= import('eld/extrasmall').then((module) => module.eld)
  return loading
}

/**
 * Detects the language of a text. `declared` is the value of `<html lang>` (region allowed): it decides when the
 * text is short or the detector unsure; a sure detector overrules it, since templates often declare wrongly.
 */
export async function detectLanguage(text: string, declared: string | null): Promise<DetectedLanguage> {
  const prior = declared?.trim().toLowerCase().split(/[-_]/)[0] || null
  const sample = text.slice(0, MAX_CHARACTERS).trim()
  if (sample.length < MIN_CHARACTERS && prior !== null) return found(prior, false)
  if (!/\p{L}{2}/u.test(sample)) return found(prior, false)
  const detector = await loadLanguageDetector()
  const result = detector.detect(sample)
  const code = result.language === '' ? null : result.language
  if (code !== null && (result.isReliable() || code === prior)) return found(code, true)
  return found(prior ?? code, false)
}

function found(code: string | null, reliable: boolean): DetectedLanguage {
  return { code, language: code === 'fr' || code === 'en' ? code : null, reliable }
}
