import { type Category, entries, phrases, USUAL_NEED } from './category.ts'

/** Directories of companies, phone books, legal company data. */
export const DIRECTORIES: Category = {
  name: 'directory',
  label: 'directory of companies',
  domains: entries(`
    pagesjaunes.fr pagespro.com 118000.fr 118712.fr 118218.fr annuaire.com annuairefrancais.fr kompass.com
    kompass.* europages.com societe.com pappers.fr infogreffe.fr verif.com manageo.fr score3.fr bilansgratuits.fr
    rubypayeur.com ellisphere.fr altares.com dnb.com creditsafe.* northdata.com opencorporates.com
    infonet.fr lagazettefrance.fr corporama.com easybusiness.fr
    nomination.fr hoodspot.fr cylex.* cylex-locale.fr justacote.com local.fr
    mistergoodbeer.com yelp.* foursquare.com hotfrog.* brownbook.net tupalo.* infobel.com
    horaire.com bottin.fr lesbonsartisans.fr starofservice.com habitatpresto.com
    travaux.com quotatis.fr houzz.* allovoisins.com yoojo.fr needhelp.com mariages.net zankyou.*
    doctolib.* maiia.com keldoc.com linkbusiness.fr batiproduits.com goldenpages.be
    pagesdor.be infobel.be local.ch search.ch editus.lu yellowpages.com yellowpages.ca pagesjaunes.ca
    yell.com thomsonlocal.com 192.com superpages.com manta.com bbb.org chamberofcommerce.com zoominfo.com
    crunchbase.com pitchbook.com owler.com rocketreach.co apollo.io lusha.com signalhire.com
    dealroom.co tracxn.com cbinsights.com craft.co sortlist.* clutch.co goodfirms.co designrush.com
    themanifest.com semfirms.com topdigital.agency la-fabrique-du-net.fr lafabriquedunet.fr
    appvizer.* companieshouse.gov.uk endole.co.uk companycheck.co.uk gelbeseiten.de
    dasoertliche.de firmenwissen.de wlw.* herold.at paginegialle.it paginasamarillas.es
  `),
  suffixes: [],
  hostParts: entries('annuaire directory listing pages-jaunes pagesjaunes yellowpages repertoire guide-des'),
  keywords: phrases(`
    annuaire | annuaire des entreprises | repertoire | liste des entreprises | coordonnees et horaires
    | trouvez un professionnel | les meilleurs professionnels pres de chez vous | business directory
    | company directory | list of companies | yellow pages | pages jaunes | siret | numero de telephone et adresse
    | find a local | companies near you | fiche entreprise | company profile
  `),
  keywordsNeeded: USUAL_NEED,
  penalty: 0.3,
}
