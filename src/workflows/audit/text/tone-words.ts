/** Words that give away how a text speaks, per language. Data for `tone.ts`. */
import type { Language } from '../types.ts'

export interface ToneWords {
  readonly familiarYou: ReadonlySet<string>
  readonly politeYou: ReadonlySet<string>
  readonly i: ReadonlySet<string>
  readonly we: ReadonlySet<string>
  readonly colloquial: ReadonlySet<string>
  readonly promotional: ReadonlySet<string>
  readonly educational: ReadonlySet<string>
  readonly technical: ReadonlySet<string>
  /** Verb forms that command when they open a sentence. */
  readonly imperatives: ReadonlySet<string>
  readonly contraction: RegExp
  readonly passive: RegExp
}

const set = (words: string): ReadonlySet<string> => new Set(words.split(/\s+/))

export const TONE_WORDS: Readonly<Record<Language, ToneWords>> = {
  fr: {
    familiarYou: set("tu te t' toi ton ta tes tien tienne"),
    politeYou: set('vous votre vos vôtre vôtres'),
    i: set("je j' me m' moi mon ma mes"),
    we: set('nous notre nos'),
    colloquial: set('ça ouais super sympa cool truc trucs bref bon coucou salut hyper grave top génial ok'),
    promotional: set(
      `gratuit gratuite gratuitement offre offres promo promotion promotions exclusif exclusive exclusivité meilleur
       meilleure meilleurs meilleures réduction remise soldes profitez économisez garanti garantie satisfait
       incontournable immédiat immédiate devis leader innovant innovante performant performante unique`,
    ),
    educational: set(
      `apprendre comprendre définition définir exemple exemples étape étapes guide tutoriel conseil conseils astuce
       astuces pourquoi comment expliquer explication leçon cours méthode savoir fiche formation découvrir`,
    ),
    technical: set(
      `api algorithme architecture protocole serveur serveurs configuration paramètre paramètres fonction code
       logiciel base données interface réseau module version framework cloud infrastructure déploiement norme
       système systèmes requête cluster chiffrement backend frontend`,
    ),
    imperatives: set('découvre essaie contacte télécharge rejoins profite inscris clique commence'),
    contraction: /\b(?:t'as|t'es|y'a|y a pas|j'suis|p'tit|c'est pas)\b/giu,
    passive:
      /(?<![\p{L}])(?:est|sont|était|étaient|sera|seront|été|être|fut|furent)\s+(?:\p{L}+ment\s+)?\p{L}{2,}(?:é|ée|és|ées|is|ise|ises|it|ite|ites|us|ue|ues)\s+(?:par|afin|pour|dans|selon|à|en|de|lors)(?![\p{L}])/giu,
  },
  en: {
    familiarYou: set('folks guys buddy pal yourself'),
    politeYou: set('you your yours'),
    i: set("i me my mine i'm i've i'll i'd"),
    we: set("we us our ours we're we've we'll we'd"),
    colloquial: set(
      'awesome cool yeah hey wow gonna wanna stuff guys kinda super ok okay lol hi bunch nope yep',
    ),
    promotional: set(
      `free offer offers sale sales deal deals discount discounts exclusive best save guaranteed guarantee limited
       ultimate amazing leading premium unbeatable award-winning instant quote cheapest affordable unique`,
    ),
    educational: set(
      `learn learning understand definition example examples step steps guide tutorial tip tips why how explain
       explains explanation lesson course method chapter exercise introduction overview`,
    ),
    technical: set(
      `api algorithm architecture protocol server servers configuration parameter parameters function functions code
       software database interface network module version framework cloud infrastructure deployment compiler query
       cluster encryption backend frontend runtime type types error library command`,
    ),
    imperatives: set(
      `get try contact discover learn book start join call download subscribe buy shop visit check click read find
       see use add run make create choose explore request order save let note remember take`,
    ),
    contraction: /\b\p{L}+(?:n't|'re|'ve|'ll|'m|'d)\b|\b(?:it|that|there|what|who|here|he|she|let)'s\b/giu,
    passive:
      /\b(?:is|are|was|were|be|been|being)\s+(?:\p{L}+ly\s+)?(?:\p{L}{2,}ed|built|made|given|taken|known|shown|written|seen|done|held|kept|sent|set|used|found|chosen|driven|paid|sold|told)\b/giu,
  },
}
