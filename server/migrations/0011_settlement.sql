-- Authorizations that payers signed and somebody asked to settle on their chain, and the transactions made of them.

create table settlement (
  id uuid primary key,
  network text not null,
  -- Addresses and hashes as hex in lower case.
  payer text collate "C" not null,
  payee text collate "C" not null,
  amount numeric(78, 0) not null constraint settlement_amount check (amount >= 0),
  -- Seconds since 1970, as the payer signed them.
  valid_after numeric(78, 0) not null,
  valid_before numeric(78, 0) not null,
  nonce text collate "C" not null,
  signature text not null,
  state text not null constraint settlement_state check (state in ('accepted', 'sent', 'settled', 'failed')),
  tx_hash text collate "C",
  reason text,
  created_at timestamptz not null,
  ended_at timestamptz,
  -- The token takes an authorization once; so do we.
  constraint settlement_once unique (network, payer, nonce),
  constraint settlement_sent_has_hash check (state in ('accepted', 'failed') or tx_hash is not null)
) with (fillfactor = 70);
create index settlement_unended on settlement (network) where state = 'sent';

-- Whose turn it is: a chain takes a sender's transactions in the order of their numbers, without a gap.
create table relayer (
  network text not null,
  address text collate "C" not null,
  next_nonce bigint not null,
  primary key (network, address)
);

create table relayed_transaction (
  network text not null,
  relayer text collate "C" not null,
  nonce bigint not null,
  settlement_id uuid not null unique,
  hash text collate "C" not null unique,
  bytes text not null,
  signed_at timestamptz not null,
  primary key (network, relayer, nonce)
);
