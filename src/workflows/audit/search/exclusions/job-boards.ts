import { type Category, entries, phrases, USUAL_NEED } from './category.ts'

/** Job boards, temporary work agencies, freelance exchanges. */
export const JOB_BOARDS: Category = {
  name: 'job_board',
  label: 'job board or recruitment site',
  domains: entries(`
    indeed.* glassdoor.* monster.* apec.fr pole-emploi.fr francetravail.fr hellowork.com regionsjob.com
    parisjob.com cadremploi.fr keljob.com meteojob.com jobteaser.com welcometothejungle.com jooble.*
    jooble.org talent.com adzuna.* jobijoba.* optioncarriere.* careerjet.* neuvoo.* jobrapido.com
    stepstone.* randstad.* manpower.* adecco.* synergie.com synergie.fr crit-job.com proman-emploi.fr
    hays.* michaelpage.* pagepersonnel.* roberthalf.* expectra.fr kellyservices.* lesjeudis.com
    choosemycompany.com studentjob.* staffme.fr jobaviz.fr iquesta.com l4m.fr
    jobtransport.com jobvitae.fr emploi-territorial.fr profilculture.com
    ziprecruiter.* careerbuilder.* simplyhired.* dice.com snagajob.com flexjobs.com
    remoteok.com weworkremotely.com wellfound.com angel.co totaljobs.com reed.co.uk cv-library.co.uk
    jobsite.co.uk jobs.ac.uk cwjobs.co.uk seek.com.au jobup.ch jobs.ch jobscout24.ch stepstone.be
    references.be forem.be actiris.brussels jobboom.com jobillico.com guichetemplois.gc.ca workopolis.com
    malt.* upwork.com fiverr.com freelancer.com toptal.com codeur.com 404works.com creme-de-la-creme.io
    comet.co free-work.com freelance-info.fr peopleperhour.com guru.com kang.fr 5euros.com
    lever.co greenhouse.io workable.com smartrecruiters.com teamtailor.com recruitee.com taleez.com
  `),
  suffixes: [],
  hostParts: entries('job emploi career carriere recrut interim stage- freelance hiring vacanc'),
  keywords: phrases(`
    offre d emploi | offres d emploi | emploi | recrutement | recrute | cdi | cdd | interim | postuler
    | deposez votre cv | candidature | job offer | job vacancy | job vacancies | vacancies | apply now
    | jobs in | hiring | career opportunities | salary | recruiter | recruteur | trouver un stage
  `),
  keywordsNeeded: USUAL_NEED,
  penalty: 0,
}
