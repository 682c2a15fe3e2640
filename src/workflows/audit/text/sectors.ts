/** Which trades a site writes for, from words that it uses. The vocabularies are data; add a line to add a sector. */
import type { Language } from '../types.ts'
import { foldAccents } from './phrases.ts'
import { contentTerms, stem } from './tokens.ts'

const VOCABULARIES: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  Health: {
    fr: 'patient médecin hôpital santé clinique soin soignant pharmacie médical infirmier chirurgie diagnostic maladie',
    en: 'patient doctor hospital health clinic nurse pharmacy medical surgery diagnosis disease healthcare',
  },
  Education: {
    fr: 'élève étudiant enseignant école université lycée pédagogie scolaire apprenant professeur diplôme collège',
    en: 'student teacher school university college curriculum classroom pupil degree academic',
  },
  'Finance and insurance': {
    fr: 'banque assurance crédit investissement épargne bourse emprunt fiscalité patrimoine bancaire hypothèque',
    en: 'bank insurance loan investment saving portfolio mortgage banking fund tax wealth investor',
  },
  'Information technology': {
    fr: 'logiciel informatique serveur cloud développeur cybersécurité infrastructure hébergement programmation api numérique',
    en: 'software server cloud developer cybersecurity infrastructure hosting compiler code api programming',
  },
  'Marketing and communication': {
    fr: 'marketing référencement publicité communication campagne seo influenceur audience marque éditorial contenu',
    en: 'marketing advertising campaign seo influencer audience brand branding copywriting lead',
  },
  'Legal services': {
    fr: 'avocat juridique tribunal droit jurisprudence litige notaire juriste avocate plaidoirie procédure',
    en: 'lawyer legal court law litigation attorney notary statute solicitor',
  },
  'Human resources': {
    fr: 'salarié employeur recrutement candidat congé embauche licenciement paie rh télétravail cdi rémunération',
    en: 'employee employer recruitment candidate hiring payroll hr dismissal workforce talent onboarding',
  },
  'Real estate': {
    fr: 'immobilier logement appartement locataire propriétaire loyer bail copropriété hypothèque immeuble',
    en: 'property housing apartment tenant landlord rent lease realtor estate',
  },
  'Construction and renovation': {
    fr: 'chantier bâtiment maçonnerie rénovation isolation toiture charpente artisan travaux béton plomberie chauffage',
    en: 'construction building masonry renovation insulation roofing carpentry contractor concrete plumbing heating',
  },
  'Industry and engineering': {
    fr: 'usine industriel production machine maintenance ingénierie fabrication usinage automatisme mécanique acier',
    en: 'factory industrial manufacturing machine maintenance engineering machining automation mechanical steel',
  },
  'Retail and e-commerce': {
    fr: 'boutique panier e-commerce magasin marketplace caddie catalogue détaillant promotion vitrine',
    en: 'shop cart e-commerce checkout store retailer catalogue merchandise shopper storefront',
  },
  'Tourism and hospitality': {
    fr: 'hôtel voyage tourisme séjour camping vacance gîte réservation touriste croisière hôtelier',
    en: 'hotel travel tourism stay camping holiday booking tourist cruise resort guest',
  },
  'Food and catering': {
    fr: 'restaurant recette cuisine traiteur boulangerie vin gastronomie ingrédient pâtisserie cuisinier',
    en: 'restaurant recipe cooking chef catering bakery wine gastronomy ingredient pastry',
  },
  'Transport and logistics': {
    fr: 'transport logistique entrepôt fret camion transporteur livraison livreur tournée camionnette palette douane',
    en: 'transport logistics warehouse freight truck carrier shipping delivery parcel courier depot pallet',
  },
  'Energy and environment': {
    fr: 'énergie solaire photovoltaïque électricité carbone climat recyclage déchet éolien biodiversité écologique',
    en: 'energy solar photovoltaic electricity carbon climate recycling waste wind biodiversity renewable',
  },
  Agriculture: {
    fr: 'agriculteur agricole élevage culture ferme récolte semence tracteur bétail maraîcher exploitation',
    en: 'farmer agricultural livestock crop farm harvest seed tractor cattle soil',
  },
  'Public services': {
    fr: 'mairie commune collectivité citoyen préfecture administration territoire municipal usager élu ministère',
    en: 'council municipality citizen government administration municipal ministry resident public-sector',
  },
  'Sport and leisure': {
    fr: 'sport entraînement match joueur fitness randonnée compétition athlète tournoi sportif',
    en: 'sport match player fitness hiking competition athlete tournament coach',
  },
}

const MAX_SECTORS = 3
/** Different words of a vocabulary, and occurrences of them per thousand content words, without which none is named. */
const MIN_DISTINCT = 4
const MIN_PER_THOUSAND = 10
const MIN_PAGE_SHARE = 0.25
/** A sector with less than this share of the strongest one's weight is not named beside it. */
const MIN_SHARE = 0.35

export interface SectorText {
  readonly text: string
  readonly language: Language | null
}

/**
 * At most three sectors, strongest first, each with at least four different words of its vocabulary, on a quarter
 * of the pages, making up 1% of the content words. Empty when the texts give no evidence.
 */
export function findSectors(pages: readonly SectorText[]): string[] {
  const read = pages.flatMap(({ text, language }) =>
    language === null ? [] : [{ language, terms: contentTerms(text, language).map(foldAccents) }],
  )
  const total = read.reduce((sum, page) => sum + page.terms.length, 0)
  const weighed = Object.entries(VOCABULARIES)
    .map(([name, vocabulary]) => ({ name, weight: weighSector(read, vocabulary, total) }))
    .filter((sector) => sector.weight > 0)
    .sort((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1))
  const strongest = weighed[0]?.weight ?? 0
  return weighed
    .filter((sector) => sector.weight >= strongest * MIN_SHARE)
    .slice(0, MAX_SECTORS)
    .map((sector) => sector.name)
}

/** Occurrences per thousand content words times the number of different words; 0 below the minimum. */
function weighSector(
  pages: readonly { readonly language: Language; readonly terms: readonly string[] }[],
  vocabulary: Readonly<Record<Language, string>>,
  total: number,
): number {
  const stems = { fr: stemsOf(vocabulary.fr, 'fr'), en: stemsOf(vocabulary.en, 'en') }
  const hits = pages.map((page) => page.terms.filter((term) => stems[page.language].has(term)))
  const perThousand = (1000 * hits.flat().length) / Math.max(1, total)
  const distinct = new Set(hits.flat()).size
  const pageShare = hits.filter((list) => list.length > 0).length / Math.max(1, pages.length)
  const enough = distinct >= MIN_DISTINCT && perThousand >= MIN_PER_THOUSAND && pageShare >= MIN_PAGE_SHARE
  return enough ? perThousand * distinct : 0
}

function stemsOf(list: string, language: Language): ReadonlySet<string> {
  return new Set(list.split(/\s+/).map((word) => foldAccents(stem(word, language))))
}
