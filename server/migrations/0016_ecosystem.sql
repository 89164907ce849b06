-- Resources of other markets that are found and bought here too: where they are read from, and what has been read.

create table ecosystem_source (
  id uuid primary key,
  -- The list itself; pages are asked for by offset.
  url text collate "C" not null constraint ecosystem_source_url unique,
  -- Named by the configuration: what it names no longer is read no longer.
  configured boolean not null,
  active boolean not null default true,
  added_at timestamptz not null,
  -- A pass reads the whole list once. This is the one under way, and how far it has come: what reads on after a crash.
  pass bigint not null default 1,
  next_offset bigint not null default 0,
  page_size integer not null constraint ecosystem_source_page check (page_size between 1 and 100),
  due_at timestamptz not null,
  lease uuid,
  lease_until timestamptz,
  failures integer not null default 0,
  fault text,
  -- Of the pass under way, and of the last whole one.
  counts json not null default '{}',
  last_counts json,
  completed_at timestamptz
);
create index ecosystem_source_due on ecosystem_source (due_at) where active;

create table ecosystem_resource (
  offer_id uuid primary key references offer,
  -- The first that told of it speaks for it, as long as it still does.
  source_id uuid not null references ecosystem_source,
  resource text collate "C" not null constraint ecosystem_resource_once unique,
  network text not null,
  pay_to text collate "C" not null,
  -- What its seller takes, as the source tells; the seller itself is asked before anything is bought.
  accepts json not null,
  -- SHA-256 over everything that is kept of it: what has not changed costs nothing.
  digest bytea not null,
  last_updated timestamptz,
  first_seen_at timestamptz not null,
  -- Told of no longer; it comes back when it is.
  stale_since timestamptz
);
create index ecosystem_resource_of_source on ecosystem_resource (source_id) where stale_since is null;

-- Narrow, as each pass writes every row of it.
create table ecosystem_sighting (
  offer_id uuid primary key references ecosystem_resource,
  pass bigint not null,
  last_seen_at timestamptz not null
) with (fillfactor = 50);
