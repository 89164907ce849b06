-- Webhooks: the addresses they go to, one row per message to one address with the text exactly as it is sent, and a log of every attempt.
create table endpoint (
  id uuid primary key,
  party_id uuid not null,
  url text not null,
  -- On the market's clock, as everything here but the leases. Nothing has been taken since then; null while all is well.
  failing_since timestamptz,
  -- Asked for patience until then.
  resting_until timestamptz,
  disabled_at timestamptz,
  disabled_because text constraint endpoint_disabled_because check (disabled_because in ('gone', 'failing')),
  created_at timestamptz not null,
  constraint endpoint_disabled_is_reasoned check ((disabled_at is null) = (disabled_because is null))
);
-- A hash of the address, as an address may be longer than an index entry.
create unique index endpoint_address on endpoint (party_id, md5(url));
create index endpoint_failing on endpoint (party_id) where failing_since is not null;

create table delivery (
  id uuid primary key,
  -- The receiver's webhook-id: the same at every attempt, and in the list and the stream of events.
  notice_id uuid not null,
  endpoint_id uuid not null references endpoint,
  format text not null,
  event_name text not null,
  recipient_id uuid not null,
  url text not null,
  body text not null,
  state text not null constraint delivery_state check (state in ('pending', 'delivered', 'failed', 'disabled')),
  attempts integer not null default 0,
  -- Null once nothing is due any more.
  due_at timestamptz,
  -- On the real clock: while it lies ahead a sender is at work. Its exact value is that sender's fencing token.
  lease_until timestamptz,
  last_status smallint,
  last_error text,
  created_at timestamptz not null,
  delivered_at timestamptz,
  constraint delivery_due check ((state = 'pending') = (due_at is not null)),
  constraint delivery_leased check (lease_until is null or state = 'pending')
) with (fillfactor = 80);
create unique index delivery_once on delivery (notice_id, endpoint_id);
create index delivery_waiting on delivery (due_at, id) where state = 'pending';
create index delivery_under_way on delivery (recipient_id) where lease_until is not null;
create index delivery_of_recipient on delivery (recipient_id, id);
create index delivery_of_endpoint on delivery (endpoint_id, id);
create index delivery_undelivered on delivery (endpoint_id, state) where state <> 'delivered';
create index delivery_age on delivery (created_at);

create table delivery_attempt (
  id bigint generated always as identity primary key,
  delivery_id uuid not null references delivery on delete cascade,
  -- When its outcome was known.
  at timestamptz not null,
  duration_ms integer not null,
  -- The headers that were sent, as JSON.
  request text not null,
  -- Null when there was no answer.
  status smallint,
  error text,
  response text
);
create index delivery_attempt_log on delivery_attempt (delivery_id, id);
