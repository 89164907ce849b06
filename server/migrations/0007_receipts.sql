-- Signed receipts, each carrying the hash of the one before: nobody can slip one in or take one out unseen.
create table receipt (
  seq bigint primary key,
  id uuid not null unique,
  -- The bargain that was settled. A deposit, its release and its refund are receipts of one bargain, one of each type.
  order_id uuid not null,
  settlement_type text not null constraint receipt_settlement_type check (
    settlement_type in ('direct', 'escrow_deposit', 'escrow_release', 'escrow_refund', 'external')),
  form text not null,
  buyer_id uuid not null,
  -- Null while nobody is bound to sell: the deposit of an open request.
  seller_id uuid,
  asset text not null,
  price bigint not null,
  payout bigint not null,
  fee bigint not null,
  -- CAIP-2, or `souk` where the money moved inside the ledger and no chain knows of it.
  network text not null,
  tx_hash text collate "C",
  buyer_wallet text collate "C",
  listing_id uuid,
  offer_id uuid,
  request_id uuid,
  external_resource_id text,
  -- Whether the buyer got what it paid for; null where that is not the question.
  delivered boolean,
  -- HTTP status of the seller's endpoint.
  delivery_status integer,
  latency_ms bigint,
  jws text not null,
  hash bytea not null,
  issued_at timestamptz not null,
  constraint receipt_once unique (order_id, settlement_type),
  constraint receipt_on_chain check (network <> 'souk' or (tx_hash is null and buyer_wallet is null))
);
create index receipt_buyer on receipt (buyer_id, seq);
create index receipt_seller on receipt (seller_id, seq) where seller_id is not null;
create trigger receipt_is_immutable before update or delete on receipt for each row execute function refuse_change();
create trigger receipt_is_kept before truncate on receipt for each statement execute function refuse_change();

create table receipt_head (
  one boolean primary key default true check (one),
  seq bigint not null,
  hash bytea not null
);
insert into receipt_head (seq, hash) values (0, decode(repeat('00', 32), 'hex'));

-- What receipts add up to, counted behind the head so that settling never waits for it; the rest is counted when asked for.
create table receipt_tally (
  one boolean primary key default true check (one),
  seq bigint not null default 0
);
insert into receipt_tally default values;

create table receipt_party (
  party_id uuid primary key,
  bought bigint not null default 0,
  spent bigint not null default 0,
  sold bigint not null default 0,
  earned bigint not null default 0,
  -- What reputation is made of: sales to others than oneself, and distinct buyers with money from outside.
  sales bigint not null default 0,
  undelivered bigint not null default 0,
  buyers bigint not null default 0,
  constraint receipt_party_sales check (undelivered between 0 and sales and sales <= sold)
) with (fillfactor = 70);
create index receipt_party_proven on receipt_party (buyers desc, party_id) where buyers > 0;

create table receipt_pair (
  seller_id uuid not null,
  buyer_id uuid not null,
  -- Whether the buyer stands in the seller's `buyers`.
  counted boolean not null default false,
  primary key (seller_id, buyer_id)
);
create index receipt_pair_uncounted on receipt_pair (buyer_id) where not counted;

-- Who has paid with money from outside: a credited deposit, or a payment on a chain.
create table receipt_funded (
  party_id uuid primary key
);
