-- Whether what is listed can be reached: one row an offer with what was seen of it, and how often each host was asked.
create table probe (
  offer_id uuid primary key,
  seller_id uuid not null,
  -- Name and port; many listings may share one.
  host text collate "C" not null,
  status text not null default 'healthy' check (status in ('healthy', 'degraded', 'failing')),
  probe_failures integer not null default 0,
  probe_fault text,
  call_failures integer not null default 0,
  call_fault text,
  call_failed_at timestamptz,
  checked_at timestamptz,
  healthy_at timestamptz,
  -- On the market's clock; null while the offer is off the market.
  due_at timestamptz,
  -- When it became due first: who had to wait for the next hour of its host comes before who had a turn in this one.
  due_since timestamptz,
  lease uuid,
  lease_until timestamptz not null default '-infinity'
) with (fillfactor = 80);
create index probe_due on probe (due_at) where due_at is not null;

create table probe_host (
  host text collate "C" primary key,
  -- When its hour began, and how often it was asked within it.
  since timestamptz not null,
  used integer not null
);
