-- Purses on a chain: who paid for an order by x402, and where what returns goes.
create table chain_purse (
  order_id uuid primary key,
  -- CAIP-2, and the rail over which it leaves.
  network text not null,
  rail text not null,
  wallet text collate "C" not null,
  amount bigint not null constraint chain_purse_amount check (amount > 0),
  tx_hash text collate "C" not null,
  opened_at timestamptz not null
);
