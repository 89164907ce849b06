-- The wallet: where money arrives and what arrived, where it may go, what is on its way out, and what an operator must look at.

-- Drawn once for ever: the key of a deposit address is derived from its index.
create sequence deposit_address_index as integer;

create table deposit_address (
  network text not null,
  index integer not null,
  -- Null for the platform's own hot wallet, which is watched like every other address.
  party_id uuid,
  address text collate "C" not null,
  token_account text collate "C" not null,
  -- What was credited from here and what was moved on to the hot wallet; the difference must lie on the chain.
  credited bigint not null default 0,
  swept bigint not null default 0,
  -- Newest transaction whose effects are committed here.
  last_signature text collate "C",
  assigned_at timestamptz not null default clock_timestamp(),
  last_deposit_at timestamptz,
  -- Real time, like everything that waits for a chain.
  next_check_at timestamptz not null default clock_timestamp(),
  primary key (network, index),
  constraint deposit_address_of_party unique (network, party_id),
  constraint deposit_address_address unique (network, address),
  constraint deposit_address_token_account unique (network, token_account),
  constraint deposit_address_swept check (swept between 0 and credited)
) with (fillfactor = 80);
create index deposit_address_due on deposit_address (network, next_check_at);

create table deposit (
  network text not null,
  signature text collate "C" not null,
  token_account text collate "C" not null,
  party_id uuid not null,
  amount bigint not null constraint deposit_positive check (amount > 0),
  -- Activation fee taken when this deposit arrived.
  fee bigint not null default 0,
  -- Who owned the token account it came from; null when that cannot be told.
  source_owner text collate "C",
  slot bigint not null,
  credited_at timestamptz not null,
  -- When its owner was first told of it.
  reported_at timestamptz,
  primary key (network, signature, token_account)
);
create index deposit_unreported on deposit (party_id) where reported_at is null;

-- The address book: the only places a party's money can be withdrawn to.
create table withdrawal_address (
  party_id uuid not null,
  network text not null,
  address text collate "C" not null,
  usable_at timestamptz not null,
  is_default boolean not null,
  created_at timestamptz not null,
  primary key (party_id, network, address)
);
create unique index withdrawal_address_default on withdrawal_address (party_id, network) where is_default;

-- Money on its way out over a chain, and sweeps from deposit addresses to the hot wallet.
create table payout (
  id uuid primary key,
  kind text not null constraint payout_kind check (kind in ('withdrawal', 'panic', 'fees', 'sweep', 'release', 'refund', 'surplus')),
  -- The party that asked; null where nobody did.
  party_id uuid,
  -- The order whose money it is.
  order_id uuid,
  network text not null,
  -- Deposit address it leaves from; null for the hot wallet.
  source_index integer,
  destination text collate "C" not null,
  gross bigint not null,
  fee bigint not null,
  net bigint not null constraint payout_positive check (net > 0),
  -- Ledger account that holds the gross until the chain has spoken, and where it goes when it cannot be delivered.
  held_in text collate "C",
  return_to text collate "C",
  state text not null constraint payout_state check (
    state in ('requested', 'queued_liquidity', 'signed', 'sent', 'confirmed', 'failed', 'cancelled')),
  failure text,
  created_at timestamptz not null,
  -- When the order was told that its money has arrived, before the block is final.
  landed_at timestamptz,
  ended_at timestamptz,
  -- Real time: leases and pauses measure the outside world, not the market's clock.
  due_at timestamptz not null default clock_timestamp(),
  lease_until timestamptz,
  lease uuid,
  -- Until then every transaction of this payout is recorded below. Real time too; what is older was perhaps restored.
  known_until timestamptz not null default clock_timestamp(),
  constraint payout_of_order check ((kind in ('release', 'refund', 'surplus')) = (order_id is not null)),
  constraint payout_adds_up check (gross = fee + net and fee >= 0),
  constraint payout_ends check ((ended_at is null) = (state not in ('confirmed', 'failed', 'cancelled'))),
  constraint payout_is_held check ((kind = 'sweep') = (held_in is null) and (held_in is null) = (return_to is null))
) with (fillfactor = 70);
create index payout_due on payout (network, due_at) where ended_at is null;
create index payout_of_party on payout (party_id, created_at desc, id desc) where party_id is not null;
create unique index payout_one_sweep on payout (network, source_index) where kind = 'sweep' and ended_at is null;

create unique index payout_once_of_order on payout (order_id, kind) where order_id is not null and state not in ('failed', 'cancelled');

-- Every transaction ever signed for a payout, kept before it is sent. At most one of them can still land.
create table payout_attempt (
  payout_id uuid not null references payout,
  n integer not null,
  signature text collate "C" not null constraint payout_attempt_signature unique,
  bytes bytea not null,
  last_valid_block_height bigint not null,
  state text not null constraint payout_attempt_state check (state in ('live', 'dead', 'landed')),
  error text,
  signed_at timestamptz not null default clock_timestamp(),
  sent_at timestamptz,
  seen_at timestamptz,
  -- First look after its last valid block that found nothing.
  missing_at timestamptz,
  primary key (payout_id, n)
);
create unique index payout_attempt_one_live on payout_attempt (payout_id) where state = 'live';

-- What came to the hot wallet for something known: payments for orders whose escrow is on the chain.
create table arrival (
  network text not null,
  tx_hash text collate "C" not null,
  -- The order it is for.
  subject uuid not null,
  amount bigint not null constraint arrival_positive check (amount > 0),
  noted_at timestamptz not null,
  -- When its block was seen to be final; until then it is not among what the hot wallet is known to hold.
  final_at timestamptz,
  primary key (network, tx_hash, subject)
);
create index arrival_unfinal on arrival (network) where final_at is null;

-- What the operator must look at: never only a line in a log.
create table finding (
  id uuid primary key,
  kind text not null,
  subject text collate "C" not null,
  details jsonb not null,
  opened_at timestamptz not null,
  seen_at timestamptz not null,
  resolved_at timestamptz,
  note text
);
create unique index finding_open on finding (kind, subject) where resolved_at is null;
create index finding_newest on finding (opened_at desc, id desc);
