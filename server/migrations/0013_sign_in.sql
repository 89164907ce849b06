-- Challenges that a wallet has signed and used: none of them opens anything twice, whichever process hears it.

create table sign_in_nonce (
  nonce text collate "C" primary key,
  -- From then on it is too old to be used anyway.
  expires_at timestamptz not null
);
create index sign_in_nonce_expired on sign_in_nonce (expires_at);
