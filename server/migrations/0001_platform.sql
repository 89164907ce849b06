-- What every module stands on: the market's clock, the outbox of events with its readers, and answers kept for retries.
create table sandbox_clock (
  one boolean primary key default true check (one),
  offset_ms bigint not null default 0
);
insert into sandbox_clock default values;

-- Which world this database was first used in; the other mode refuses it.
create table installation (
  one boolean primary key default true check (one),
  mode text not null check (mode in ('sandbox', 'live')),
  chain_identity text,
  evm_identity text,
  created_at timestamptz not null default clock_timestamp()
);

-- Transaction ids begin anew when a backup is restored into another cluster; eras keep their order across it.
create table cluster_era (
  one boolean primary key default true check (one),
  era integer not null default 0
);
insert into cluster_era default values;

-- Readers follow (era, xid, id) below the snapshot horizon: by id alone rows that commit late would be lost.
create table event (
  id bigint generated always as identity primary key,
  era integer not null,
  xid xid8 not null default pg_current_xact_id(),
  name text not null,
  subject text not null,
  payload jsonb not null,
  at timestamptz not null
);
create index event_feed on event (era, xid, id);

create table event_reader (
  name text primary key,
  era integer not null default 0,
  xid xid8 not null default '0',
  event_id bigint not null default 0
);

create table idempotency (
  scope text collate "C" not null,
  key text collate "C" not null,
  fingerprint bytea not null,
  status smallint not null,
  response text not null,
  created_at timestamptz not null,
  primary key (scope, key)
);
create index idempotency_age on idempotency (created_at);
