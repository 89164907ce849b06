-- Signed receipts, each carrying the hash of the one before: nobody can slip one in or take one out unseen.
create table receipt (
  seq bigint primary key,
  id uuid not null unique,
  order_id uuid not null unique,
  buyer_id uuid not null,
  seller_id uuid not null,
  jws text not null,
  hash bytea not null,
  issued_at timestamptz not null
);
create index receipt_buyer on receipt (buyer_id, seq);
create index receipt_seller on receipt (seller_id, seq);
create trigger receipt_is_immutable before update or delete on receipt for each row execute function refuse_change();
create trigger receipt_is_kept before truncate on receipt for each statement execute function refuse_change();

create table receipt_head (
  one boolean primary key default true check (one),
  seq bigint not null,
  hash bytea not null
);
insert into receipt_head (seq, hash) values (0, decode(repeat('00', 32), 'hex'));
