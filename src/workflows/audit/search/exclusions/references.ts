import { type Category, entries, phrases, USUAL_NEED } from './category.ts'

/** Encyclopaedias, dictionaries, archives, maps and question sites. */
export const REFERENCES: Category = {
  name: 'reference',
  label: 'encyclopaedia, dictionary or reference work',
  domains: entries(`
    wikipedia.org wikimedia.org wikidata.org wiktionary.org wikibooks.org wikihow.com wikiwand.com
    fandom.com britannica.com universalis.fr larousse.fr lerobert.com cnrtl.fr
    merriam-webster.com dictionary.com collinsdictionary.com thesaurus.com thefreedictionary.com
    linguee.* reverso.net wordreference.com deepl.com lalanguefrancaise.com
    toupie.org definitions-marketing.com investopedia.com techtarget.com techopedia.com
    archive.org persee.fr cairn.info openedition.org jstor.org sciencedirect.com springer.com nature.com
    tandfonline.com wiley.com sagepub.com mdpi.com frontiersin.org plos.org arxiv.org ssrn.com
    semanticscholar.org pubmed.gov statista.com ourworldindata.org
    openstreetmap.org geoportail.fr mappy.com viamichelin.* waze.com
    stackexchange.com superuser.com serverfault.com answers.com ask.com answerthepublic.com
    chegg.com coursehero.com studocu.com studylib.net studysmarter.* brainly.* nosdevoirs.fr
    kartable.fr superprof.* digischool.fr marmiton.org 750g.com allrecipes.com
  `),
  suffixes: [],
  hostParts: entries('wiki encyclop diction glossaire glossary thesaur'),
  keywords: phrases(`
    encyclopedie | encyclopedia | dictionnaire | dictionary | definition et synonyme | synonymes | conjugaison
    | traduction en anglais | english translation | from wikipedia
  `),
  keywordsNeeded: USUAL_NEED,
  penalty: 0,
}
