import { type Category, entries, phrases, USUAL_NEED } from './category.ts'

/** Universities, schools, orientation sites, course platforms. */
export const UNIVERSITIES: Category = {
  name: 'university',
  label: 'university or school',
  domains: entries(`
    sorbonne-universite.fr pantheonsorbonne.fr assas-universite.fr u-paris.fr parisdescartes.fr
    universite-paris-saclay.fr psl.eu ens.fr ens-lyon.fr polytechnique.edu
    ip-paris.fr centralesupelec.fr imt.fr imt-atlantique.fr telecom-paris.fr
    ensta-paris.fr enpc.fr ecoledesponts.fr agroparistech.fr arts-et-metiers.fr ensam.eu utc.fr utt.fr utbm.fr
    insa-lyon.fr insa-toulouse.fr insa-rennes.fr groupe-insa.fr ec-lyon.fr ec-nantes.fr centralelille.fr
    grenoble-inp.fr univ-grenoble-alpes.fr u-bordeaux.fr u-bourgogne.fr u-pec.fr u-picardie.fr uvsq.fr
    univ-lyon1.fr univ-lyon2.fr univ-lyon3.fr univ-lille.fr univ-nantes.fr univ-rennes.fr univ-amu.fr
    univ-cotedazur.fr univ-tlse3.fr ut-capitole.fr unistra.fr uca.fr umontpellier.fr uha.fr
    sciencespo.fr sciencespo-lyon.fr hec.edu hec.fr essec.edu escp.eu em-lyon.com emlyon.com edhec.edu
    audencia.com skema.edu skema-bs.fr kedge.edu neoma-bs.fr neoma-bs.com grenoble-em.com tbs-education.fr
    rennes-sb.fr icn-artem.com iseg.fr ionis-group.com epita.fr epitech.eu 42.fr esiea.fr ece.fr efrei.fr
    supinfo.com esgi.fr hetic.net digital-campus.fr cnam.fr cned.fr afpa.fr campusfrance.org
    letudiant.fr studyrama.com onisep.fr parcoursup.fr diplomeo.com digischool.com orientation.com
    ac-paris.fr ac-versailles.fr ac-creteil.fr ac-lyon.fr ac-lille.fr ac-nantes.fr ac-rennes.fr ac-bordeaux.fr
    ac-toulouse.fr ac-montpellier.fr ac-grenoble.fr ac-strasbourg.fr ac-aix-marseille.fr ac-nice.fr
    uclouvain.be ulb.be uliege.be unamur.be kuleuven.be epfl.ch ethz.ch unige.ch unil.ch hes-so.ch
    umontreal.ca ulaval.ca uqam.ca mcgill.ca uni.lu
    mit.edu harvard.edu stanford.edu ox.ac.uk cam.ac.uk imperial.ac.uk lse.ac.uk ucl.ac.uk open.ac.uk
    coursera.org udemy.com edx.org futurelearn.com udacity.com khanacademy.org skillshare.com
    openclassrooms.com fun-mooc.fr pluralsight.com datacamp.com
  `),
  suffixes: entries(`
    edu greta.fr ac.uk sch.uk edu.au ac.nz ac.be ac.za ac.in ac.jp edu.sg edu.hk edu.cn edu.br edu.mx edu.pl edu.tr
    edu.it edu.es ac.at ac.il ac.kr edu.in
  `),
  hostParts: entries(`
    univ- universit college- lycee ecole- .edu. campus- academie academy businessschool business-school iut-
    faculte faculty
  `),
  keywords: phrases(`
    universite | university | licence professionnelle | master | bachelor | doctorat | phd | etudiant | student
    | campus | parcoursup | ecole d ingenieur | ecole de commerce | business school | faculte | faculty
    | undergraduate | postgraduate | admission | laboratoire de recherche | enseignement superieur
  `),
  keywordsNeeded: USUAL_NEED,
  penalty: 0.3,
}
