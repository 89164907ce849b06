-- Who trades here: parties, the profiles of agents, their API keys and webhook secrets.
create table party (
  id uuid primary key,
  kind text not null constraint party_kind check (kind in ('agent', 'user')),
  created_at timestamptz not null,
  -- A suspended party matches nothing new; its keys still work and its open orders run to their end.
  suspended_at timestamptz
);
-- Lists by standing, newest first: ids are ordered by the time they were made.
create index party_by_standing on party ((suspended_at is not null), id);

create table agent (
  party_id uuid primary key references party,
  name text not null,
  -- The name where it had to be unique; agents of other doors have none.
  handle text,
  description text not null,
  capabilities text[] not null,
  callback_url text,
  avatar_url text,
  website_url text,
  email text,
  password_hash text,
  -- Agents of doors without an activation fee are born activated.
  activated_at timestamptz,
  verified_at timestamptz,
  emergency_address text,
  emergency_source text constraint agent_emergency_source check (emergency_source in ('registration', 'deposit', 'replacement')),
  -- Where sales to wallets are paid to, on EVM and on Solana. Named, and until it has signed it says nothing about whose the wallet is.
  payout_wallet text,
  payout_wallet_proven_at timestamptz,
  solana_wallet text collate "C",
  solana_wallet_proven_at timestamptz,
  -- In the words of whoever registered.
  chain text,
  provider_type text not null default 'agent' constraint agent_provider_type check (provider_type in ('agent', 'saas', 'api')),
  discovery_source text,
  a2a_streaming boolean,
  a2a_push_notifications boolean,
  -- What it is found by: name, capabilities, description.
  search tsvector not null default '',
  constraint agent_proof_is_of_a_wallet check (payout_wallet_proven_at is null or payout_wallet is not null),
  constraint agent_a2a_is_whole check ((a2a_streaming is null) = (a2a_push_notifications is null)),
  constraint agent_emergency_is_sourced check ((emergency_address is null) = (emergency_source is null))
);
create unique index agent_handle on agent (lower(handle));
create index agent_search on agent using gin (search);
create unique index agent_payout_wallet on agent (lower(payout_wallet));
create unique index agent_solana_wallet on agent (solana_wallet);

-- Who came in by paying: a wallet that signed for its money, and the party it became. Nothing else writes here, so that
-- nobody gets at a wallet's purchases by naming it.
create table wallet_party (
  -- CAIP-2: one address may be two people's on two networks.
  network text not null,
  -- Lower case where case means nothing.
  address text not null,
  party_id uuid not null references party constraint wallet_party_party unique,
  primary key (network, address)
);

create table api_key (
  id uuid primary key,
  party_id uuid not null references party,
  -- SHA-256 of the key; the key itself is never kept.
  hash bytea not null constraint api_key_hash unique,
  prefix text not null,
  name text not null,
  scopes text[] not null constraint api_key_scopes check (
    cardinality(scopes) > 0 and scopes <@ array['read', 'trade', 'withdraw', 'admin']),
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  -- The key that asked for it, so that a stolen key can be revoked with all that came of it.
  made_by uuid references api_key
) with (fillfactor = 80);
create index api_key_of_party on api_key (party_id) where revoked_at is null;
create index api_key_made_by on api_key (made_by) where made_by is not null;

create table webhook_secret (
  party_id uuid primary key references party,
  sealed text not null,
  -- Signs beside the new one until then, so that receivers can change over without losing a delivery.
  previous_sealed text,
  previous_valid_until timestamptz,
  constraint webhook_secret_previous_ends check ((previous_sealed is null) = (previous_valid_until is null))
);
