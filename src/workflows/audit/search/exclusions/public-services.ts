import { type Category, entries, phrases, USUAL_NEED } from './category.ts'

/** States, towns, public bodies, chambers, international institutions. */
export const PUBLIC_SERVICES: Category = {
  name: 'public_service',
  label: 'public service or institution',
  domains: entries(`
    service-public.fr legifrance.gouv.fr vie-publique.fr ameli.fr caf.fr
    urssaf.fr msa.fr cnav.fr lassuranceretraite.fr agirc-arrco.fr info-retraite.fr net-entreprises.fr
    insee.fr inpi.fr afnor.org ademe.fr anil.org cerema.fr inrae.fr inserm.fr
    cnrs.fr cea.fr inria.fr ifremer.fr onera.fr brgm.fr ign.fr meteofrance.com meteofrance.fr bnf.fr
    bpifrance.fr banquedesterritoires.fr caissedesdepots.fr banque-france.fr amf-france.org cnil.fr arcep.fr
    autoritedelaconcurrence.fr conseil-etat.fr conseil-constitutionnel.fr courdecassation.fr ccomptes.fr
    assemblee-nationale.fr senat.fr elysee.fr lecese.fr cma-france.fr
    artisanat.fr chambres-agriculture.fr notaires.fr ordre-medecins.fr has-sante.fr sante.fr anses.fr
    santepubliquefrance.fr sncf.com ratp.fr laposte.fr iledefrance.fr iledefrance-mobilites.fr paris.fr
    lyon.fr grandlyon.com marseille.fr toulouse.fr bordeaux.fr bordeaux-metropole.fr nantes.fr
    nantesmetropole.fr lille.fr strasbourg.eu rennes.fr montpellier.fr nice.fr auvergnerhonealpes.fr
    bretagne.bzh hautsdefrance.fr grandest.fr normandie.fr maregionsud.fr laregion.fr paysdelaloire.fr
    nouvelle-aquitaine.fr bourgognefranchecomte.fr
    europa.eu belgium.be wallonie.be admin.ch ch.ch ge.ch vd.ch guichet.lu quebec.ca canada.ca
    nist.gov who.int un.org unesco.org oecd.org worldbank.org imf.org wto.org ilo.org iso.org
    itu.int nato.int icrc.org iea.org uitp.org parliament.uk usa.gov bund.de
  `),
  suffixes: entries(`
    gouv.fr cci.fr gouv.ci gouv.sn gov mil int gov.uk nhs.uk police.uk mod.uk gov.au govt.nz gov.ie gc.ca gouv.qc.ca
    gov.in gov.sg gov.za gov.br gob.es gob.mx gov.it gov.pt gov.pl gv.at admin.ch fgov.be public.lu
    gov.ma gov.tn gov.dz gouv.mc europa.eu
  `),
  hostParts: entries(`
    .gouv. .gov. mairie ville-de- prefecture departement conseil-regional grand-agglo agglomeration
    ministere ministry cci- chambre-de-commerce chambre-agriculture council.
  `),
  keywords: phrases(`
    service public | services publics | mairie | site officiel de la ville | prefecture | ministere
    | collectivite territoriale | conseil departemental | conseil regional | conseil municipal
    | demarches administratives | government | ministry | city council | county council | official website of
    | republique francaise | federal agency | public authority
  `),
  keywordsNeeded: USUAL_NEED,
  penalty: 0.3,
}
