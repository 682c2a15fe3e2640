/**
 * Results that a real search would also bring and that no audit should follow: an encyclopedia, a social network,
 * a job board, a video site, a directory. Their hosts are on every exclusion list, so they are never fetched.
 */
import type { SearchDocument } from './search-index.ts'

type Outsider = Pick<SearchDocument, 'url' | 'host' | 'title' | 'summary'>

const OUTSIDERS: readonly Outsider[] = [
  {
    url: 'https://fr.wikipedia.org/wiki/V%C3%A9lo_cargo',
    host: 'fr.wikipedia.org',
    title: 'Vélo cargo — Wikipédia',
    summary:
      'Un vélo cargo est un cycle conçu pour le transport de charges : biporteur, triporteur, logistique urbaine.',
  },
  {
    url: 'https://www.linkedin.com/company/logistique-velo-cargo',
    host: 'www.linkedin.com',
    title: 'Logistique à vélo cargo | LinkedIn',
    summary:
      'Flottes de vélos cargo, livraison du dernier kilomètre et micro-hub : rejoignez les professionnels du secteur.',
  },
  {
    url: 'https://fr.indeed.com/q-livreur-velo-cargo-emplois.html',
    host: 'fr.indeed.com',
    title: 'Emplois : livreur à vélo cargo',
    summary: 'Offres d’emploi de livreur à vélo cargo, mécanicien de maintenance et responsable de flotte.',
  },
  {
    url: 'https://www.youtube.com/watch?v=velocargodemo',
    host: 'www.youtube.com',
    title: 'Changer la batterie d’un vélo cargo en dix secondes - YouTube',
    summary: 'Vidéo : batteries, autonomie et entretien d’un vélo cargo de livraison.',
  },
  {
    url: 'https://www.pagesjaunes.fr/annuaire/nantes-44/velos-cargos',
    host: 'www.pagesjaunes.fr',
    title: 'Vélos cargo à Nantes (44) : location, entretien, réparation',
    summary: 'Annuaire des professionnels : location de vélos cargo, atelier, livraison en centre-ville.',
  },
]

/** The same as documents for the index; they have no text beyond their summary. */
export const OUTSIDER_DOCUMENTS: readonly SearchDocument[] = OUTSIDERS.map((outsider) => ({
  ...outsider,
  text: '',
  language: 'fr',
  publishedAt: null,
}))
