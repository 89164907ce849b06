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
  -- Where it was settled, by the chain as it stood then.
  block bigint,
  block_hash text collate "C",
  -- From when nothing can take that away any more; and when something did.
  final_at timestamptz,
  reopened_at timestamptz,
  created_at timestamptz not null,
  ended_at timestamptz,
  -- The token takes an authorization once; so do we.
  constraint settlement_once unique (network, payer, nonce),
  constraint settlement_sent_has_hash check (state in ('accepted', 'failed') or tx_hash is not null),
  constraint settlement_settled_has_block check ((state = 'settled') = (block is not null and block_hash is not null))
) with (fillfactor = 70);
create index settlement_unended on settlement (network, payer) where state = 'sent';
create index settlement_paid on settlement (network, payer, ended_at) where state = 'settled';
create index settlement_unfinal on settlement (network, block) where state = 'settled' and final_at is null;
create index settlement_reopened on settlement (network) where state = 'accepted' and reopened_at is not null;

-- Transactions that payers on Solana signed, of which we pay the fees. Kept when it is decided whether they are sent.
create table svm_settlement (
  id uuid primary key,
  network text not null,
  -- SHA-256 of what was signed, as hex: the chain takes it once.
  message_hash text collate "C" not null,
  payer text collate "C" not null,
  -- For whom it was settled: one payment buys here or in somebody else's shop, and never in both.
  claimant text not null constraint svm_settlement_claimant check (claimant in ('market', 'stranger')),
  state text not null constraint svm_settlement_state check (state in ('sent', 'settled', 'failed')),
  -- The chain's name for the transaction, and the bytes that are sent, and sent again.
  signature text collate "C" unique,
  bytes bytea,
  -- No block higher than this can take it.
  last_height bigint,
  reason text,
  created_at timestamptz not null,
  signed_at timestamptz,
  -- When a stranger was told that it was settled; another who asks hears that it is a duplicate.
  told_at timestamptz,
  -- From when nothing can take it away any more; and when something did.
  final_at timestamptz,
  reopened_at timestamptz,
  ended_at timestamptz,
  constraint svm_settlement_once unique (network, message_hash),
  constraint svm_settlement_sent_is_signed check (
    state = 'failed' or (signature is not null and bytes is not null and last_height is not null and signed_at is not null)),
  constraint svm_settlement_ends check ((ended_at is null) = (state = 'sent'))
) with (fillfactor = 70);
create index svm_settlement_unended on svm_settlement (network, signed_at) where state = 'sent';
create index svm_settlement_unfinal on svm_settlement (network, signed_at) where state = 'settled' and final_at is null;

-- Whose turn it is: a chain takes a sender's transactions in the order of their numbers, without a gap.
create table relayer (
  network text not null,
  address text collate "C" not null,
  next_nonce bigint not null,
  primary key (network, address)
);

-- Every transaction ever signed, before it is sent. Those of one number replace one another: the chain takes one of them.
create table relayed_transaction (
  network text not null,
  relayer text collate "C" not null,
  nonce bigint not null,
  -- Counts from zero; a later one pays more.
  attempt integer not null,
  settlement_id uuid not null,
  hash text collate "C" not null unique,
  bytes text not null,
  -- Per unit of gas, in wei.
  max_fee numeric(78, 0) not null,
  priority_fee numeric(78, 0) not null,
  signed_at timestamptz not null,
  primary key (network, relayer, nonce, attempt)
);
create index relayed_transaction_of_settlement on relayed_transaction (settlement_id);
