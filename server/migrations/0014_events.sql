-- What each party is told of what happened: read as a list, followed as a stream, sent as webhooks, under one id everywhere.
create table notice (
  -- One writer at a time, which holds the reader's cursor until it commits: numbers become visible in their order.
  seq bigint generated always as identity constraint notice_seq unique,
  id uuid primary key,
  party_id uuid not null,
  event_id bigint not null,
  type text not null,
  -- The message as JSON text, the same that goes out as a webhook.
  body text not null,
  at timestamptz not null
);
create index notice_of_party on notice (party_id, seq);

-- The last notice of each party that was forgotten: who had read this far has missed nothing.
create table notice_forgotten (
  party_id uuid primary key,
  id uuid not null,
  seq bigint not null
);
