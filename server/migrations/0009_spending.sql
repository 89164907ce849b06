-- What keeps an agent's money from leaving, whatever its key says.
create table spending_freeze (
  party_id uuid primary key,
  until timestamptz not null,
  reason text not null,
  set_at timestamptz not null
);
