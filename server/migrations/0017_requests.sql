-- Requests: work that buyers ask for, and what is bid for it. What becomes of one, and of its money, is the order of the same id.
create table request (
  id uuid primary key,
  buyer_id uuid not null,
  title text not null,
  description text not null,
  budget bigint not null constraint request_budget check (budget > 0),
  -- Whether the money came with the request; what came is the order's purse.
  escrow boolean not null,
  -- The order's state in the contract's words, written in the commits that change it.
  status text not null constraint request_status check (
    status in ('open', 'accepted', 'fulfilled', 'completing', 'approved', 'cancelled', 'disputed')),
  -- The provider agrees that the buyer may cancel what was delivered.
  consented_at timestamptz,
  -- What the buyer said when cancelling or disputing.
  reason text,
  -- Real time: until then somebody waits for the money that is under way, and tells what came of it.
  waited_until timestamptz,
  -- When the buyer was told of it.
  told_at timestamptz,
  search tsvector not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
) with (fillfactor = 80);
create index request_open on request (id desc) where status = 'open';
create index request_search on request using gin (search);

create table bid (
  id uuid primary key,
  request_id uuid not null references request,
  bidder_id uuid not null,
  price bigint not null constraint bid_price check (price > 0),
  estimated_duration_seconds double precision,
  message text,
  status text not null constraint bid_status check (status in ('pending', 'accepted', 'rejected', 'withdrawn')),
  created_at timestamptz not null
);
create index bid_of_request on bid (request_id, id);
create unique index bid_pending on bid (request_id, bidder_id) where status = 'pending';
