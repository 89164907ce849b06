-- Offers that are bought by the call: what sellers list, and what became of the calls. The standing is a table of its own,
-- so that a call or a probe touches a narrow row and never the wide one with its search indexes.
create table offer (
  id uuid primary key,
  seller_id uuid not null,
  title text not null,
  description text not null,
  category text not null,
  tags text[] not null,
  price_micros bigint not null,
  offer_type text not null check (offer_type in ('api', 'download')),
  endpoint text,
  http_method text not null check (http_method in ('GET', 'POST', 'PUT', 'PATCH', 'DELETE')),
  -- json, not jsonb: a schema is handed back exactly as it was given.
  input_schema json,
  output_schema json,
  estimated_duration_seconds double precision,
  -- Revealed by a settled purchase and by nothing else (PA-27).
  file_url text,
  preview_description text,
  external_url text,
  -- What a probe may send to the endpoint; only its seller knows it.
  verification_body text,
  settles_first boolean not null,
  source text not null check (source in ('native', 'ecosystem')),
  -- What an imported offer is called where it came from.
  external_resource_id text unique,
  active boolean not null default true,
  -- What it is found by, written by the module itself, so that it reads alike under every locale.
  category_key text collate "C" not null,
  search tsvector not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint offer_price check (price_micros between 1 and 100000000000),
  constraint offer_native_price check (source = 'ecosystem' or price_micros % 10000 = 0),
  constraint offer_of_somewhere check ((source = 'ecosystem') = (external_resource_id is not null)),
  constraint offer_has_what_it_sells check (case offer_type
    when 'api' then endpoint is not null else file_url is not null and settles_first end)
);
create index offer_of_seller on offer (seller_id, id desc);
create index offer_category on offer (category_key) where active;
-- Few among many imported ones.
create index offer_native on offer (id) include (seller_id) where active and source = 'native';
create index offer_search on offer using gin (search) where active;

create table offer_stats (
  offer_id uuid primary key references offer,
  -- These three follow the offer: what lists choose and sort by stands in one narrow row.
  listed boolean not null default true,
  -- Its seller is (D-35).
  suspended boolean not null default false,
  offer_type text not null,
  price_micros bigint not null,
  paid_calls bigint not null default 0,
  delivered_calls bigint not null default 0 check (delivered_calls <= paid_calls),
  -- Distinct ones.
  buyers bigint not null default 0,
  health text not null default 'healthy' check (health in ('healthy', 'degraded', 'failing')),
  health_reason text,
  probed_at timestamptz,
  -- PA-66: paid three times and never delivered is not shown any more.
  shown boolean not null generated always as (listed and not suspended
    and not (paid_calls >= 3 and delivered_calls = 0)) stored,
  -- 0..10000: delivered calls out of the paid ones 50 % (smoothed, so that one call decides little), experience 30 % (1000
  -- delivered are all), buyers 20 % (five are all). PA-66: below half of four or more it comes after everything else.
  rank integer not null generated always as (round(10000 * (
    0.5 * (delivered_calls + 1)::double precision / (paid_calls + 2)
    + 0.3 * least(1, ln(1 + delivered_calls::double precision) / ln(1001::double precision))
    + 0.2 * least(1, buyers / 5::double precision)))::integer
    - case when paid_calls >= 4 and delivered_calls * 2 < paid_calls then 20000 else 0 end) stored
) with (fillfactor = 80);
create index offer_stats_top on offer_stats (rank desc, offer_id desc) where shown;
create index offer_stats_price on offer_stats (price_micros, offer_id) where shown;
create index offer_stats_new on offer_stats (offer_id desc) where shown;
-- Downloads are few among many APIs.
create index offer_stats_download_top on offer_stats (rank desc, offer_id desc) where shown and offer_type = 'download';
create index offer_stats_download_price on offer_stats (price_micros, offer_id) where shown and offer_type = 'download';
create index offer_stats_download_new on offer_stats (offer_id desc) where shown and offer_type = 'download';

-- Who paid for an offer at least once.
create table offer_buyer (
  offer_id uuid not null references offer,
  buyer_id uuid not null,
  primary key (offer_id, buyer_id)
);
