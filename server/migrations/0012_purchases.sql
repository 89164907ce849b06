-- Calls paid with a wallet: a row before any money moves, so that a payment buys one thing once, whatever is lost on the way.

create table purchase (
  id uuid primary key,
  -- Whose authorization it is; the nonce is of the payer's choice.
  network text not null,
  payer text collate "C" not null,
  nonce text collate "C" not null,
  -- What the buyer calls it (x402's payment-identifier), if he does.
  payment_id text collate "C",
  -- What is bought, and which one of its kind.
  kind text not null,
  ware_id uuid not null,
  -- The order it pays for, where there is one: the receipts are the order's.
  order_id uuid,
  -- Null while nobody is bound to sell.
  seller_id uuid,
  buyer_id uuid,
  amount bigint not null constraint purchase_amount check (amount > 0),
  -- The whole payment as it came, so that it can be settled by whoever finds it.
  payment json not null,
  -- SHA-256 over what is bought, the method and the input: the same payment buys nothing else (D-16).
  fingerprint bytea not null,
  -- What the seller is sent.
  input json,
  settles_first boolean not null,
  state text not null constraint purchase_state check (state in ('working', 'settling', 'paid', 'settled', 'failed', 'returned')),
  -- Who runs the seller, and until when nobody else may.
  lease uuid,
  lease_until timestamptz,
  runs integer not null default 0,
  output_status integer,
  output_type text,
  output bytea,
  latency_ms integer,
  -- Who or what failed, and how.
  fault text constraint purchase_fault check (fault in ('seller', 'payment', 'order')),
  reason text,
  tx_hash text collate "C",
  created_at timestamptz not null,
  ended_at timestamptz,
  constraint purchase_once unique (network, payer, nonce),
  constraint purchase_ends check ((ended_at is null) = (state in ('working', 'settling', 'paid'))),
  constraint purchase_settled_is_paid check (state not in ('paid', 'settled', 'returned') or tx_hash is not null)
) with (fillfactor = 70);
create unique index purchase_payment_id on purchase (kind, ware_id, payment_id) where payment_id is not null;
-- What a wallet has bought, for whoever signs in with it.
create index purchase_of_payer on purchase (payer, ware_id, ended_at desc) where state = 'settled';
create index purchase_unended on purchase (lease_until) where ended_at is null;
create index purchase_kept on purchase (ended_at) where input is not null or output is not null;
-- What a wallet has open, and what it paid a moment ago.
create index purchase_of_wallet on purchase (payer, ended_at);
create index purchase_strikes on purchase (payer, ended_at) where state = 'failed' and fault = 'payment';
-- An order is paid by one payment: of two at once the second is refused before any money moves.
create unique index purchase_one_of_order on purchase (order_id) where order_id is not null and state not in ('failed', 'returned');
