-- Idempotency keys of one caller are no business of another, and neither may fill the disk with them.

-- Answers of the old form name no caller and cannot be found any more; none is older than a day.
delete from rowbeat.idempotency_keys;

alter table rowbeat.idempotency_keys
  add column caller text not null check (length(caller) between 1 and 200),
  add column content jsonb,
  -- Of a row whole: 255 characters of key, 2 KiB of request, 16 KiB of answer, and what they are wrapped in.
  add column bytes integer not null generated always as (
    octet_length(caller) + octet_length(route) + octet_length(key) + octet_length(fingerprint)
    + coalesce(octet_length(content::text), 0) + coalesce(octet_length(headers::text), 0)
    + coalesce(octet_length(body::text), 0)) stored
    constraint idempotency_keys_bytes_check check (bytes <= 32768),
  drop constraint idempotency_keys_pkey,
  add primary key (caller, route, key);

-- Counts a caller's keys and their bytes without reading the rows.
create index idempotency_keys_usage on rowbeat.idempotency_keys (caller, created_at) include (bytes);

comment on column rowbeat.idempotency_keys.caller is 'Who asked: an address, or anonymous. Keys of different callers never meet.';
comment on column rowbeat.idempotency_keys.route is 'Method and path template of the request.';
comment on column rowbeat.idempotency_keys.fingerprint is 'SHA-256 of the request: the same key with another one is refused.';
comment on column rowbeat.idempotency_keys.content is 'The request, to tell what differs in another one; null when it is large.';
comment on column rowbeat.idempotency_keys.bytes is 'How large the row is, which counts against what its caller may store.';
