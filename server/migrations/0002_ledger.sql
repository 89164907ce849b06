-- Double entry. Money changes only by entries; transfers and entries are written once and never touched again.
create table account (
  no bigint generated always as identity primary key,
  id text collate "C" not null constraint account_id_key unique,
  -- A summed account is never locked: its balance is the sum of its entries, rolled up in the background.
  summed boolean not null default false,
  balance bigint not null default 0,
  constraint account_not_overdrawn check (summed or balance >= 0),
  constraint summed_has_no_balance check (not summed or balance = 0)
) with (fillfactor = 50);

create sequence transfer_id as bigint;

create table transfer (
  id bigint primary key,
  key text collate "C" not null constraint transfer_key unique,
  reason text not null,
  subject text collate "C" not null,
  at timestamptz not null
);

-- One row moves one amount out of one account into another, so that every row sums to zero by its shape.
-- No foreign keys: the posting statement finds both accounts itself, and the audit proves it.
create table entry (
  transfer_id bigint not null,
  from_no bigint not null,
  to_no bigint not null,
  amount bigint not null constraint entry_positive check (amount > 0),
  constraint entry_moves check (from_no <> to_no)
);
create index entry_from on entry (from_no, transfer_id);
create index entry_to on entry (to_no, transfer_id);

create table account_rollup (
  account_no bigint primary key,
  upto_transfer_id bigint not null,
  balance numeric(38, 0) not null
);

-- A point in the sequence of transfers that is safe to roll up to once every transaction below `xid_bound` has ended.
create table rollup_checkpoint (
  one boolean primary key default true check (one),
  transfer_id bigint not null,
  xid_bound xid8 not null
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, lower(tg_op) using errcode = '42501';
end $$;
create trigger transfer_is_immutable before update or delete on transfer for each row execute function refuse_change();
create trigger transfer_is_kept before truncate on transfer for each statement execute function refuse_change();
create trigger entry_is_immutable before update or delete on entry for each row execute function refuse_change();
create trigger entry_is_kept before truncate on entry for each statement execute function refuse_change();
