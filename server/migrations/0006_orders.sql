-- Orders: every escrowed bargain of every trade form. One state machine, terms frozen as data.
create table orders (
  id uuid primary key,
  form text not null,
  state text not null,
  -- While its money is under way on a chain: what it becomes when that has landed, and again when it cannot.
  outcome text constraint orders_outcome check (outcome in ('completed', 'cancelled', 'expired')),
  former text,
  buyer_id uuid not null,
  seller_id uuid,
  listing_id uuid,
  asset text not null,
  price bigint not null check (price >= 0),
  fee bigint not null check (fee >= 0),
  held bigint not null check (held >= 0),
  purse text collate "C" not null,
  terms jsonb not null,
  callback_url text,
  created_at timestamptz not null,
  assigned_at timestamptz,
  delivered_at timestamptz,
  closed_at timestamptz,
  due_at timestamptz,
  constraint orders_closed_holds_nothing check (closed_at is null or (held = 0 and due_at is null)),
  constraint orders_state check (state in
    ('open', 'queued', 'pending', 'assigned', 'delivered', 'disputed', 'completing', 'completed', 'cancelled', 'expired', 'failed', 'rejected')),
  constraint orders_completing check ((state = 'completing') = (outcome is not null) and (outcome is null) = (former is null))
) with (fillfactor = 70);
create index orders_buyer on orders (buyer_id, id);
create index orders_seller on orders (seller_id, id) where seller_id is not null;
create index orders_due on orders (due_at) where due_at is not null;
create index orders_queue on orders (listing_id, id) where state = 'queued';
create index orders_holding on orders (buyer_id) where closed_at is null;

-- What was asked for and what came back, apart from the order so that its many small updates stay small.
create table order_work (
  order_id uuid primary key,
  input json,
  output json
);

-- Slots of a service that direct jobs occupy: locked to admit, freed on delivery.
create table direct_slot (
  service_id uuid primary key,
  active integer not null default 0 check (active >= 0),
  queued integer not null default 0 check (queued >= 0)
) with (fillfactor = 50);
create index direct_slot_waiting on direct_slot (service_id) where queued > 0;

-- Output schemas as they were when jobs were agreed on; a later change of the service does not touch those jobs.
create table direct_schema (
  sha256 text primary key,
  schema json not null
);

-- A slot kept for a job that is still being paid for, and what was agreed on: counted in its service's slots as the job will be.
create table direct_reservation (
  id uuid primary key,
  service_id uuid not null,
  seller_id uuid not null,
  -- Whether the job is to begin at once, or to stand in line.
  waits boolean not null,
  price bigint not null check (price > 0),
  terms jsonb not null,
  reserved_at timestamptz not null
);
create index direct_reservation_of_service on direct_reservation (service_id);
