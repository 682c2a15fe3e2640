-- The tables of the site audit.
--
-- Every analysis, scrape and trend run is a row of its own, so that history stays. Each carries the job that wrote
-- it: a job that runs twice finds its row by (domain, job_id) and writes it again instead of adding another.
-- No row here refers to scheduled_jobs or workflow_executions: jobs are purged sooner than what they found.

create table rowbeat.site_profiles (
  id               bigint generated always as identity primary key,
  domain           text not null check (char_length(domain) between 1 and 253 and domain = lower(domain)),
  execution_id     uuid,
  job_id           bigint not null,
  analyzed_at      timestamptz not null default now(),
  duration_seconds double precision not null check (duration_seconds >= 0),
  language         text check (language in ('fr', 'en')),
  languages        jsonb not null check (jsonb_typeof(languages) = 'object'),
  language_level   text not null check (language_level in ('simple', 'intermediate', 'advanced', 'expert')),
  tone             text not null,
  tone_evidence    jsonb not null check (jsonb_typeof(tone_evidence) = 'object'),
  readability      jsonb not null check (jsonb_typeof(readability) = 'object'),
  formality        double precision not null check (formality between 0 and 1),
  audience         jsonb not null check (jsonb_typeof(audience) = 'object'),
  themes           jsonb not null check (jsonb_typeof(themes) = 'array'),
  secondary_themes jsonb not null check (jsonb_typeof(secondary_themes) = 'array'),
  keywords         jsonb not null check (jsonb_typeof(keywords) = 'array'),
  structure        jsonb not null check (jsonb_typeof(structure) = 'object'),
  pages_analyzed   integer not null check (pages_analyzed >= 0),
  total_words      integer not null check (total_words >= 0),
  constraint site_profiles_one_per_job unique (domain, job_id)
);
create index site_profiles_latest on rowbeat.site_profiles (domain, analyzed_at desc, id desc);
create index site_profiles_newest_first on rowbeat.site_profiles (analyzed_at desc, id desc);

comment on table rowbeat.site_profiles is 'Editorial profile of a site, one row per analysis; the newest by analyzed_at is the one that counts.';
comment on column rowbeat.site_profiles.id is 'Identity of the analysis.';
comment on column rowbeat.site_profiles.domain is 'Site that was analysed, lower case, IDN as A-labels.';
comment on column rowbeat.site_profiles.execution_id is 'Audit that asked for it; null when the job ran on its own. Not a foreign key: executions are purged sooner.';
comment on column rowbeat.site_profiles.job_id is 'Job that wrote the row; a second run of the same job writes the same row again.';
comment on column rowbeat.site_profiles.analyzed_at is 'When the analysis was stored, by the clock of the database.';
comment on column rowbeat.site_profiles.duration_seconds is 'Seconds that crawl and analysis took.';
comment on column rowbeat.site_profiles.language is 'Main language of the site when it is one we analyse (fr, en); null when it is another or unclear.';
comment on column rowbeat.site_profiles.languages is 'Share of pages per detected language code, 0..1.';
comment on column rowbeat.site_profiles.language_level is 'How hard the texts read: simple, intermediate, advanced or expert.';
comment on column rowbeat.site_profiles.tone is 'Tone of the texts in one word.';
comment on column rowbeat.site_profiles.tone_evidence is 'Counts that the tone was read from.';
comment on column rowbeat.site_profiles.readability is 'flesch (0..100), lix and wordsPerSentence over all pages.';
comment on column rowbeat.site_profiles.formality is '0 informal .. 1 formal.';
comment on column rowbeat.site_profiles.audience is 'primary, level and sectors of the readers that the texts address.';
comment on column rowbeat.site_profiles.themes is 'Activity domains: slug, label, share, keywords, summary and pageUrls each, largest first.';
comment on column rowbeat.site_profiles.secondary_themes is 'Labels of the themes that only few pages treat.';
comment on column rowbeat.site_profiles.keywords is 'Keywords with score, count and pages, best first.';
comment on column rowbeat.site_profiles.structure is 'Averages of words, paragraphs, headings, images, videos and links per page.';
comment on column rowbeat.site_profiles.pages_analyzed is 'Pages with usable text that the profile rests on; failed pages are not counted.';
comment on column rowbeat.site_profiles.total_words is 'Words of these pages.';

create table rowbeat.site_pages (
  profile_id         bigint not null references rowbeat.site_profiles on delete cascade,
  position           integer not null check (position >= 0),
  url                text not null,
  final_url          text not null,
  status             integer not null check (status between 0 and 999),
  content_type       text not null,
  depth              integer not null check (depth >= 0),
  bytes              bigint not null check (bytes >= 0),
  elapsed_ms         double precision not null check (elapsed_ms >= 0),
  title              text,
  description        text,
  canonical_url      text,
  language           text,
  author             text,
  published_at       timestamptz,
  word_count         integer check (word_count >= 0),
  heading_count      integer check (heading_count >= 0),
  image_count        integer check (image_count >= 0),
  images_without_alt integer check (images_without_alt >= 0),
  internal_links     integer check (internal_links >= 0),
  external_links     integer check (external_links >= 0),
  json_ld_types      jsonb check (jsonb_typeof(json_ld_types) = 'array'),
  extraction         text check (extraction in ('readability', 'selectors', 'body')),
  problem_code       text,
  problem_message    text,
  primary key (profile_id, position),
  constraint site_pages_read_or_problem check (extraction is not null or problem_code is not null)
);

comment on table rowbeat.site_pages is 'Pages of the crawl behind a profile, the unusable ones too, with the reason.';
comment on column rowbeat.site_pages.profile_id is 'Analysis that the page belongs to.';
comment on column rowbeat.site_pages.position is 'Place in the order of the crawl, from 0.';
comment on column rowbeat.site_pages.url is 'Address that was asked for.';
comment on column rowbeat.site_pages.final_url is 'Address after redirects.';
comment on column rowbeat.site_pages.status is 'HTTP status; 0 when there was no answer.';
comment on column rowbeat.site_pages.content_type is 'Media type without parameters; empty when the server sent none.';
comment on column rowbeat.site_pages.depth is 'Clicks from the home page, 0 for itself; addresses of the sitemap count as 1.';
comment on column rowbeat.site_pages.bytes is 'Bytes of the body after decompression.';
comment on column rowbeat.site_pages.elapsed_ms is 'Milliseconds from request to end of the answer.';
comment on column rowbeat.site_pages.title is 'Title; null when the page could not be read.';
comment on column rowbeat.site_pages.description is 'Meta description.';
comment on column rowbeat.site_pages.canonical_url is 'Address that the page names as its canonical one.';
comment on column rowbeat.site_pages.language is 'Language that the page declares.';
comment on column rowbeat.site_pages.author is 'Author that the page names.';
comment on column rowbeat.site_pages.published_at is 'Publication date that the page states.';
comment on column rowbeat.site_pages.word_count is 'Words of the main text.';
comment on column rowbeat.site_pages.heading_count is 'Headings of all levels.';
comment on column rowbeat.site_pages.image_count is 'Images.';
comment on column rowbeat.site_pages.images_without_alt is 'Images without a text alternative.';
comment on column rowbeat.site_pages.internal_links is 'Links to the same site.';
comment on column rowbeat.site_pages.external_links is 'Links to other sites.';
comment on column rowbeat.site_pages.json_ld_types is 'Types of the JSON-LD blocks, in order.';
comment on column rowbeat.site_pages.extraction is 'How the main text was found; body means that navigation could not be told from text.';
comment on column rowbeat.site_pages.problem_code is 'Why the page could not be used; null when it could.';
comment on column rowbeat.site_pages.problem_message is 'The same in words.';

create table rowbeat.competitors (
  id            bigint generated always as identity primary key,
  client_domain text not null check (char_length(client_domain) between 1 and 253 and client_domain = lower(client_domain)),
  domain        text not null check (char_length(domain) between 1 and 253 and domain = lower(domain)),
  title         text not null,
  description   text not null,
  status        text not null check (status in ('validated', 'manual', 'excluded')),
  reason        text not null,
  decided_by    text not null check (decided_by in ('search', 'person')),
  similarity    double precision not null check (similarity between 0 and 1),
  relevance     double precision not null check (relevance between 0 and 1),
  combined      double precision not null check (combined between 0 and 1),
  confidence    double precision not null check (confidence between 0 and 1),
  sources       jsonb not null check (jsonb_typeof(sources) = 'array'),
  usable        boolean not null generated always as (status <> 'excluded') stored,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  constraint competitors_one_per_client unique (client_domain, domain),
  constraint competitors_not_itself check (client_domain <> domain)
);

comment on table rowbeat.competitors is 'Candidates found for a client, kept and excluded ones, each with scores and the reason.';
comment on column rowbeat.competitors.id is 'Identity.';
comment on column rowbeat.competitors.client_domain is 'Site whose competitor this is.';
comment on column rowbeat.competitors.domain is 'Registrable domain of the candidate.';
comment on column rowbeat.competitors.title is 'Title of its home page, or of the best search hit; may be empty.';
comment on column rowbeat.competitors.description is 'Description of its home page, or snippet of the best hit; may be empty.';
comment on column rowbeat.competitors.status is 'validated: kept by the search or a person; manual: added by a person; excluded: not used.';
comment on column rowbeat.competitors.reason is 'Why it has this status, in words.';
comment on column rowbeat.competitors.decided_by is 'person: a search never changes the status again; search: the next search decides anew.';
comment on column rowbeat.competitors.similarity is 'Cosine similarity of its texts to the profile of the client, 0..1.';
comment on column rowbeat.competitors.relevance is 'How well its hits match the queries, 0..1.';
comment on column rowbeat.competitors.combined is 'Score that the search ranks by, 0..1.';
comment on column rowbeat.competitors.confidence is 'How sure the search is, 0..1.';
comment on column rowbeat.competitors.sources is 'Every query, engine and rank that named it.';
comment on column rowbeat.competitors.usable is 'Validated or manual: the one rule of which competitors are worked with; generated.';
comment on column rowbeat.competitors.created_at is 'When it was first seen.';
comment on column rowbeat.competitors.updated_at is 'When a search or a person last confirmed or changed it.';

create table rowbeat.articles (
  id            bigint generated always as identity primary key,
  url_hash      text not null check (url_hash ~ '^[0-9a-f]{64}$'),
  domain        text not null check (char_length(domain) between 1 and 253 and domain = lower(domain)),
  url           text not null,
  title         text not null,
  author        text,
  published_at  timestamptz,
  date_source   text check (date_source in ('json-ld', 'meta', 'time', 'feed', 'sitemap', 'url')),
  text          text not null,
  word_count    integer not null check (word_count >= 0),
  language      text check (language in ('fr', 'en')),
  keywords      text[] not null,
  terms         text[] not null,
  simhash       text not null check (simhash ~ '^[0-9a-f]{16}$'),
  source        text not null check (source in ('api', 'feed', 'sitemap_blog', 'sitemap', 'listing', 'crawl')),
  score         double precision not null,
  etag          text,
  last_modified text,
  duplicate_of  bigint references rowbeat.articles on delete set null,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  constraint articles_one_per_url unique (url_hash),
  constraint articles_not_its_own_duplicate check (duplicate_of <> id)
);
create index articles_newest_of_domain on rowbeat.articles (domain, published_at desc nulls last, id);
create index articles_by_original on rowbeat.articles (duplicate_of) where duplicate_of is not null;

comment on table rowbeat.articles is 'Articles of all sites, one row per address, shared by every client that has the site as competitor.';
comment on column rowbeat.articles.id is 'Identity.';
comment on column rowbeat.articles.url_hash is 'SHA-256 in hex of the normalised address.';
comment on column rowbeat.articles.domain is 'Site that published it, as it was scraped.';
comment on column rowbeat.articles.url is 'Address.';
comment on column rowbeat.articles.title is 'Title.';
comment on column rowbeat.articles.author is 'Author, when named.';
comment on column rowbeat.articles.published_at is 'Publication date, when one was found.';
comment on column rowbeat.articles.date_source is 'Mark that the date was read from.';
comment on column rowbeat.articles.text is 'Main text, paragraphs separated by a blank line.';
comment on column rowbeat.articles.word_count is 'Words of the main text.';
comment on column rowbeat.articles.language is 'Language of the text when it is one we analyse.';
comment on column rowbeat.articles.keywords is 'Keywords as they are written in the text, best first.';
comment on column rowbeat.articles.terms is 'Stems of title and keywords: what themes are matched with, word for word.';
comment on column rowbeat.articles.simhash is '64-bit SimHash of the text as 16 hex digits.';
comment on column rowbeat.articles.source is 'Where its address was found.';
comment on column rowbeat.articles.score is 'Score of the address; the higher the more article-like.';
comment on column rowbeat.articles.etag is 'ETag of the last answer, for conditional requests.';
comment on column rowbeat.articles.last_modified is 'Last-Modified of the last answer, for conditional requests.';
comment on column rowbeat.articles.duplicate_of is 'Article that this one nearly repeats; such a one is left out of topics.';
comment on column rowbeat.articles.created_at is 'When it was first stored.';
comment on column rowbeat.articles.updated_at is 'When its content was last stored.';

create table rowbeat.article_links (
  client_domain text not null check (char_length(client_domain) between 1 and 253 and client_domain = lower(client_domain)),
  article_id    bigint not null references rowbeat.articles on delete cascade,
  role          text not null check (role in ('client', 'competitor')),
  domain        text not null,
  created_at    timestamptz not null default now(),
  primary key (client_domain, article_id)
);
create index article_links_by_role on rowbeat.article_links (client_domain, role, domain, article_id);
create index article_links_by_article on rowbeat.article_links (article_id);

comment on table rowbeat.article_links is 'Which articles count for which client, and whether as its own or as a competitor''s.';
comment on column rowbeat.article_links.client_domain is 'Client that the article counts for.';
comment on column rowbeat.article_links.article_id is 'The article.';
comment on column rowbeat.article_links.role is 'client: its own article; competitor: one of a competitor.';
comment on column rowbeat.article_links.domain is 'Site of the article, repeated here so that counts per site need no look at the articles.';
comment on column rowbeat.article_links.created_at is 'When the link was made.';

create table rowbeat.scrape_reports (
  id               bigint generated always as identity primary key,
  client_domain    text not null check (char_length(client_domain) between 1 and 253 and client_domain = lower(client_domain)),
  domain           text not null,
  role             text not null check (role in ('client', 'competitor')),
  execution_id     uuid,
  job_id           bigint not null,
  found            integer not null check (found >= 0),
  fetched          integer not null check (fetched >= 0),
  stored           integer not null check (stored >= 0),
  unchanged        integer not null check (unchanged >= 0),
  near_duplicates  integer not null check (near_duplicates >= 0),
  rejected         integer not null check (rejected >= 0),
  reject_reasons   jsonb not null check (jsonb_typeof(reject_reasons) = 'object'),
  rejected_samples jsonb not null check (jsonb_typeof(rejected_samples) = 'array'),
  problem_code     text,
  problem_message  text,
  finished_at      timestamptz not null default now(),
  constraint scrape_reports_one_per_job unique (client_domain, domain, job_id)
);
create index scrape_reports_latest on rowbeat.scrape_reports (client_domain, role, domain, finished_at desc);

comment on table rowbeat.scrape_reports is 'What came of each scrape of a site: counts, reasons of rejection, and the problem of a site that gave nothing.';
comment on column rowbeat.scrape_reports.id is 'Identity.';
comment on column rowbeat.scrape_reports.client_domain is 'Client that the scrape was for.';
comment on column rowbeat.scrape_reports.domain is 'Site that was scraped.';
comment on column rowbeat.scrape_reports.role is 'client or competitor.';
comment on column rowbeat.scrape_reports.execution_id is 'Audit that asked for it; null when the job ran on its own.';
comment on column rowbeat.scrape_reports.job_id is 'Job that scraped; a second run of it writes the same row again.';
comment on column rowbeat.scrape_reports.found is 'Addresses found.';
comment on column rowbeat.scrape_reports.fetched is 'Pages fetched.';
comment on column rowbeat.scrape_reports.stored is 'Articles stored.';
comment on column rowbeat.scrape_reports.unchanged is 'Articles that the site said had not changed.';
comment on column rowbeat.scrape_reports.near_duplicates is 'Articles that nearly repeat another of the same site.';
comment on column rowbeat.scrape_reports.rejected is 'Pages that were no article.';
comment on column rowbeat.scrape_reports.reject_reasons is 'Rejected pages per reason.';
comment on column rowbeat.scrape_reports.rejected_samples is 'At most 50 rejected addresses with their reasons.';
comment on column rowbeat.scrape_reports.problem_code is 'Why the site gave nothing; null when it was scraped.';
comment on column rowbeat.scrape_reports.problem_message is 'The same in words.';
comment on column rowbeat.scrape_reports.finished_at is 'When the scrape ended.';

create table rowbeat.trend_runs (
  id                   bigint generated always as identity primary key,
  client_domain        text not null check (char_length(client_domain) between 1 and 253 and client_domain = lower(client_domain)),
  execution_id         uuid,
  job_id               bigint not null,
  as_of                timestamptz not null,
  time_window_days     integer not null check (time_window_days between 1 and 3650),
  stage_clustering     text not null check (stage_clustering in ('completed', 'failed', 'skipped')),
  stage_temporal       text not null check (stage_temporal in ('completed', 'failed', 'skipped')),
  stage_synthesis      text not null check (stage_synthesis in ('completed', 'failed', 'skipped')),
  stage_gap            text not null check (stage_gap in ('completed', 'failed', 'skipped')),
  article_count        integer not null check (article_count >= 0),
  undated_count        integer not null check (undated_count >= 0),
  cluster_count        integer not null check (cluster_count >= 0),
  outlier_count        integer not null check (outlier_count >= 0),
  recommendation_count integer not null check (recommendation_count >= 0),
  gap_count            integer not null check (gap_count >= 0),
  duration_seconds     double precision not null check (duration_seconds >= 0),
  created_at           timestamptz not null default now(),
  constraint trend_runs_one_per_job unique (client_domain, job_id)
);
create index trend_runs_latest on rowbeat.trend_runs (client_domain, created_at desc, id desc);

comment on table rowbeat.trend_runs is 'One run of the trend pipeline; deleting it deletes all that it found.';
comment on column rowbeat.trend_runs.id is 'Identity.';
comment on column rowbeat.trend_runs.client_domain is 'Client whose market was looked at.';
comment on column rowbeat.trend_runs.execution_id is 'Audit that asked for it; null when the job ran on its own.';
comment on column rowbeat.trend_runs.job_id is 'Job that ran it; a second run of the job writes the same row again.';
comment on column rowbeat.trend_runs.as_of is 'The moment that all windows end at.';
comment on column rowbeat.trend_runs.time_window_days is 'Days that the headline figures of the topics cover.';
comment on column rowbeat.trend_runs.stage_clustering is 'Outcome of stage 1, topics.';
comment on column rowbeat.trend_runs.stage_temporal is 'Outcome of stage 2, development over time.';
comment on column rowbeat.trend_runs.stage_synthesis is 'Outcome of stage 3, syntheses and recommendations.';
comment on column rowbeat.trend_runs.stage_gap is 'Outcome of stage 4, gaps, strengths and roadmap.';
comment on column rowbeat.trend_runs.article_count is 'Articles that went in.';
comment on column rowbeat.trend_runs.undated_count is 'Articles without a usable date, left out of everything about time.';
comment on column rowbeat.trend_runs.cluster_count is 'Topics found.';
comment on column rowbeat.trend_runs.outlier_count is 'Articles that belong to no topic.';
comment on column rowbeat.trend_runs.recommendation_count is 'Recommendations made.';
comment on column rowbeat.trend_runs.gap_count is 'Gaps found.';
comment on column rowbeat.trend_runs.duration_seconds is 'Seconds that the run took.';
comment on column rowbeat.trend_runs.created_at is 'When the run was stored.';

create table rowbeat.topics (
  trend_run_id     bigint not null references rowbeat.trend_runs on delete cascade,
  topic_id         integer not null check (topic_id >= 0),
  label            text not null,
  terms            jsonb not null check (jsonb_typeof(terms) = 'array'),
  size             integer not null check (size >= 0),
  coherence        double precision not null check (coherence between 0 and 1),
  scope            text not null check (scope in ('core', 'adjacent', 'off_scope')),
  velocity         double precision,
  freshness        double precision check (freshness between 0 and 1),
  source_diversity integer check (source_diversity >= 0),
  cohesion         double precision check (cohesion between 0 and 1),
  potential        double precision check (potential between 0 and 1),
  trend            text check (trend in ('up', 'stable', 'down')),
  dated_articles   integer check (dated_articles >= 0),
  undated_articles integer check (undated_articles >= 0),
  primary key (trend_run_id, topic_id)
);

comment on table rowbeat.topics is 'Topics of a trend run with their headline figures; these are null when the temporal stage did not complete.';
comment on column rowbeat.topics.trend_run_id is 'Run that found it.';
comment on column rowbeat.topics.topic_id is 'Number within the run, 0 for the largest.';
comment on column rowbeat.topics.label is 'Readable name.';
comment on column rowbeat.topics.terms is 'Words that tell it from the others, with their scores.';
comment on column rowbeat.topics.size is 'Articles.';
comment on column rowbeat.topics.coherence is 'Mean pairwise cosine of its articles, 0..1.';
comment on column rowbeat.topics.scope is 'How near to the themes of the client: core, adjacent or off_scope.';
comment on column rowbeat.topics.velocity is 'Relative change of the daily rate; 0 is no change, null is too little to say.';
comment on column rowbeat.topics.freshness is 'Articles of the last 7 days over all dated ones of the window, 0..1.';
comment on column rowbeat.topics.source_diversity is 'Sites that write about it.';
comment on column rowbeat.topics.cohesion is 'Cohesion of its articles, 0..1.';
comment on column rowbeat.topics.potential is 'Editorial potential, 0..1.';
comment on column rowbeat.topics.trend is 'up, stable or down.';
comment on column rowbeat.topics.dated_articles is 'Articles with a usable date.';
comment on column rowbeat.topics.undated_articles is 'Articles without one.';

create table rowbeat.topic_articles (
  trend_run_id bigint not null,
  topic_id     integer not null,
  article_id   bigint not null references rowbeat.articles on delete cascade,
  primary key (trend_run_id, article_id),
  foreign key (trend_run_id, topic_id) references rowbeat.topics on delete cascade
);
create index topic_articles_by_topic on rowbeat.topic_articles (trend_run_id, topic_id, article_id);
create index topic_articles_by_article on rowbeat.topic_articles (article_id);

comment on table rowbeat.topic_articles is 'Which article belongs to which topic of a run.';
comment on column rowbeat.topic_articles.trend_run_id is 'The run.';
comment on column rowbeat.topic_articles.topic_id is 'The topic.';
comment on column rowbeat.topic_articles.article_id is 'The article; within a run it has one topic at most.';

create table rowbeat.topic_outliers (
  trend_run_id bigint not null references rowbeat.trend_runs on delete cascade,
  article_id   bigint not null references rowbeat.articles on delete cascade,
  category     text not null check (category in ('too_short', 'too_unique', 'mixed_topics', 'emerging')),
  distance     double precision not null check (distance between 0 and 1),
  primary key (trend_run_id, article_id)
);
create index topic_outliers_by_article on rowbeat.topic_outliers (article_id);

comment on table rowbeat.topic_outliers is 'Articles of a run that belong to no topic, with the likely reason.';
comment on column rowbeat.topic_outliers.trend_run_id is 'The run.';
comment on column rowbeat.topic_outliers.article_id is 'The article.';
comment on column rowbeat.topic_outliers.category is 'too_short, too_unique, mixed_topics or emerging.';
comment on column rowbeat.topic_outliers.distance is 'Cosine distance to the nearest topic, 0..1.';

create table rowbeat.topic_windows (
  trend_run_id     bigint not null,
  topic_id         integer not null,
  days             integer not null check (days in (7, 14, 30, 90)),
  starts_at        timestamptz not null,
  ends_at          timestamptz not null,
  volume           integer not null check (volume >= 0),
  velocity         double precision,
  freshness        double precision check (freshness between 0 and 1),
  source_diversity integer not null check (source_diversity >= 0),
  drift            double precision check (drift >= 0),
  drift_detected   boolean not null,
  trend            text not null check (trend in ('up', 'stable', 'down')),
  primary key (trend_run_id, topic_id, days),
  foreign key (trend_run_id, topic_id) references rowbeat.topics on delete cascade,
  constraint topic_windows_in_order check (starts_at < ends_at)
);

comment on table rowbeat.topic_windows is 'Figures of a topic over the last 7, 14, 30 and 90 days.';
comment on column rowbeat.topic_windows.trend_run_id is 'The run.';
comment on column rowbeat.topic_windows.topic_id is 'The topic.';
comment on column rowbeat.topic_windows.days is 'Length of the window in days.';
comment on column rowbeat.topic_windows.starts_at is 'Start of the window.';
comment on column rowbeat.topic_windows.ends_at is 'End of the window.';
comment on column rowbeat.topic_windows.volume is 'Articles published in it.';
comment on column rowbeat.topic_windows.velocity is 'Relative change of the daily rate against the window before; null is too little to say.';
comment on column rowbeat.topic_windows.freshness is 'Articles of the last 7 days over those of the window, 0..1.';
comment on column rowbeat.topic_windows.source_diversity is 'Sites that published in it.';
comment on column rowbeat.topic_windows.drift is 'Cosine distance of its articles to the whole topic; null is too few articles.';
comment on column rowbeat.topic_windows.drift_detected is 'True when the topic moved away from what it was.';
comment on column rowbeat.topic_windows.trend is 'up, stable or down.';

create table rowbeat.topic_syntheses (
  trend_run_id     bigint not null,
  topic_id         integer not null,
  method           text not null check (method in ('extractive', 'llm')),
  model            text,
  synthesis        text not null,
  saturated_angles jsonb not null check (jsonb_typeof(saturated_angles) = 'array'),
  opportunities    jsonb not null check (jsonb_typeof(opportunities) = 'array'),
  created_at       timestamptz not null default now(),
  primary key (trend_run_id, topic_id),
  foreign key (trend_run_id, topic_id) references rowbeat.topics on delete cascade,
  constraint topic_syntheses_model_of_llm check ((method = 'llm') = (model is not null))
);

comment on table rowbeat.topic_syntheses is 'What is written about a topic, which angles are worn out and which are open.';
comment on column rowbeat.topic_syntheses.trend_run_id is 'The run.';
comment on column rowbeat.topic_syntheses.topic_id is 'The topic.';
comment on column rowbeat.topic_syntheses.method is 'extractive: sentences of the articles; llm: written by the model named beside it.';
comment on column rowbeat.topic_syntheses.model is 'Language model that wrote it; null when extractive.';
comment on column rowbeat.topic_syntheses.synthesis is 'The synthesis.';
comment on column rowbeat.topic_syntheses.saturated_angles is 'Angles that many sites use: angle, frequency and reason each.';
comment on column rowbeat.topic_syntheses.opportunities is 'Angles that few use: angle, potential, differentiation and effort each.';
comment on column rowbeat.topic_syntheses.created_at is 'When it was made.';

create table rowbeat.recommendations (
  id              bigint generated always as identity primary key,
  trend_run_id    bigint not null,
  position        integer not null check (position >= 0),
  topic_id        integer not null,
  title           text not null,
  hook            text not null,
  outline         jsonb not null check (jsonb_typeof(outline) = 'object'),
  effort          text not null check (effort in ('easy', 'medium', 'complex')),
  differentiation double precision not null check (differentiation between 0 and 1),
  status          text not null default 'suggested' check (status in ('suggested', 'approved', 'in_progress', 'published')),
  created_at      timestamptz not null default now(),
  constraint recommendations_in_order unique (trend_run_id, position),
  foreign key (trend_run_id, topic_id) references rowbeat.topics on delete cascade
);
create index recommendations_by_topic on rowbeat.recommendations (trend_run_id, topic_id);

comment on table rowbeat.recommendations is 'Articles that the client could write.';
comment on column rowbeat.recommendations.id is 'Identity.';
comment on column rowbeat.recommendations.trend_run_id is 'Run that made it.';
comment on column rowbeat.recommendations.position is 'Place among the recommendations of the run, from 0.';
comment on column rowbeat.recommendations.topic_id is 'Topic that it treats.';
comment on column rowbeat.recommendations.title is 'Proposed title.';
comment on column rowbeat.recommendations.hook is 'Why a reader would open it.';
comment on column rowbeat.recommendations.outline is 'Sections and what they hold.';
comment on column rowbeat.recommendations.effort is 'easy, medium or complex.';
comment on column rowbeat.recommendations.differentiation is 'How far it stands out from what others wrote, 0..1.';
comment on column rowbeat.recommendations.status is 'Where the team stands with it: suggested, approved, in_progress or published.';
comment on column rowbeat.recommendations.created_at is 'When it was made.';

create table rowbeat.gaps (
  trend_run_id    bigint not null,
  topic_id        integer not null,
  coverage        double precision not null check (coverage >= 0),
  level           text not null check (level in ('weak', 'gap')),
  priority        double precision not null check (priority between 0 and 1),
  diagnostic      text not null,
  opportunity     text not null,
  risk            text not null check (risk in ('high', 'medium', 'low')),
  risk_assessment text not null,
  primary key (trend_run_id, topic_id),
  foreign key (trend_run_id, topic_id) references rowbeat.topics on delete cascade
);

comment on table rowbeat.gaps is 'Topics that competitors treat and the client hardly does.';
comment on column rowbeat.gaps.trend_run_id is 'The run.';
comment on column rowbeat.gaps.topic_id is 'The topic.';
comment on column rowbeat.gaps.coverage is 'Articles of the client over mean articles per competitor.';
comment on column rowbeat.gaps.level is 'weak: some coverage; gap: next to none.';
comment on column rowbeat.gaps.priority is 'How much it matters, 0..1.';
comment on column rowbeat.gaps.diagnostic is 'What is missing, in words.';
comment on column rowbeat.gaps.opportunity is 'What could be gained, in words.';
comment on column rowbeat.gaps.risk is 'Risk of doing nothing: high, medium or low.';
comment on column rowbeat.gaps.risk_assessment is 'The same in words.';

create table rowbeat.strengths (
  trend_run_id bigint not null,
  topic_id     integer not null,
  coverage     double precision not null check (coverage >= 0),
  advantage    double precision not null check (advantage >= 0),
  description  text not null,
  primary key (trend_run_id, topic_id),
  foreign key (trend_run_id, topic_id) references rowbeat.topics on delete cascade
);

comment on table rowbeat.strengths is 'Topics that the client treats more than its competitors.';
comment on column rowbeat.strengths.trend_run_id is 'The run.';
comment on column rowbeat.strengths.topic_id is 'The topic.';
comment on column rowbeat.strengths.coverage is 'Articles of the client over mean articles per competitor.';
comment on column rowbeat.strengths.advantage is 'Coverage beyond that of the competitors.';
comment on column rowbeat.strengths.description is 'The strength in words.';

create table rowbeat.roadmap_items (
  trend_run_id   bigint not null,
  position       integer not null check (position >= 0),
  topic_id       integer not null,
  recommendation integer not null,
  priority       double precision not null check (priority between 0 and 1),
  tier           text not null check (tier in ('high', 'medium', 'low')),
  effort         text not null check (effort in ('easy', 'medium', 'complex')),
  primary key (trend_run_id, position),
  foreign key (trend_run_id, topic_id) references rowbeat.topics on delete cascade,
  foreign key (trend_run_id, recommendation) references rowbeat.recommendations (trend_run_id, position) on delete cascade
);
create index roadmap_items_by_topic on rowbeat.roadmap_items (trend_run_id, topic_id);
create index roadmap_items_by_recommendation on rowbeat.roadmap_items (trend_run_id, recommendation);

comment on table rowbeat.roadmap_items is 'What to write first: recommendations for gaps, in order.';
comment on column rowbeat.roadmap_items.trend_run_id is 'The run.';
comment on column rowbeat.roadmap_items.position is 'Place in the roadmap.';
comment on column rowbeat.roadmap_items.topic_id is 'Topic of the gap.';
comment on column rowbeat.roadmap_items.recommendation is 'Position of the recommendation to follow.';
comment on column rowbeat.roadmap_items.priority is 'Priority of the gap, 0..1.';
comment on column rowbeat.roadmap_items.tier is 'high, medium or low.';
comment on column rowbeat.roadmap_items.effort is 'easy, medium or complex.';
