-- Answers to POST requests that carried an Idempotency-Key, kept for 24 hours.

create table rowbeat.idempotency_keys (
  route       text        not null,
  key         text        not null check (length(key) between 1 and 255),
  fingerprint text        not null,
  status      integer,
  headers     jsonb,
  body        jsonb,
  created_at  timestamptz not null default now(),
  primary key (route, key)
);
create index idempotency_keys_age on rowbeat.idempotency_keys (created_at);
comment on table rowbeat.idempotency_keys is 'One row per POST with an Idempotency-Key: written in the transaction that does the work, so a repeated request finds either nothing or the whole answer.';
comment on column rowbeat.idempotency_keys.route is 'Method and path of the request.';
comment on column rowbeat.idempotency_keys.key is 'The Idempotency-Key header.';
comment on column rowbeat.idempotency_keys.fingerprint is 'SHA-256 of the body: the same key with another body is refused.';
comment on column rowbeat.idempotency_keys.status is 'HTTP status of the stored answer.';
comment on column rowbeat.idempotency_keys.headers is 'Headers of the stored answer that matter, for instance Location.';
comment on column rowbeat.idempotency_keys.body is 'Body of the stored answer.';
comment on column rowbeat.idempotency_keys.created_at is 'When it was stored.';
