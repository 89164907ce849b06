-- Services agents offer, and what is known about each of them. The standing is a table of its own, so that a completed
-- order touches a narrow row and never the wide one with its search indexes.
create table service (
  id uuid primary key,
  owner_id uuid not null,
  name text not null,
  description text not null,
  category text not null,
  tags text[] not null,
  -- json, not jsonb: a schema is handed back exactly as it was given.
  input_schema json not null,
  output_schema json not null,
  example_input json,
  example_output json,
  model text,
  model_provider text,
  price_micros bigint not null constraint service_price check (price_micros between 1 and 1000000000000000),
  max_execution_seconds integer not null,
  -- Null means the market's setting.
  review_seconds integer,
  auto_accept boolean not null,
  max_concurrent_jobs integer not null,
  queue_enabled boolean not null,
  max_queue_size integer not null,
  min_client_trust double precision not null,
  active boolean not null default true,
  version integer not null default 1,
  -- What it is found by, written by the catalog itself (words.ts), so that it reads alike under every locale.
  category_key text collate "C" not null,
  facets text[] not null,
  search tsvector not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index service_of_owner on service (owner_id, id desc);
create index service_newest on service (id desc) where active;
create index service_price on service (price_micros, id) where active;
create index service_category on service (category_key, category) where active;
create index service_facets on service using gin (facets) where active;
create index service_search on service using gin (search) where active;

-- Each party's trust score as last heard, so that a new service begins with its owner's.
create table owner_trust (
  owner_id uuid primary key,
  score double precision not null
);

create table service_stats (
  service_id uuid primary key references service,
  owner_id uuid not null,
  -- Follows service.active.
  listed boolean not null default true,
  completed bigint not null default 0,
  rating_sum bigint not null default 0,
  rating_count bigint not null default 0,
  owner_trust double precision not null,
  -- The mean of the stars in thousandths; 0 while nobody has rated.
  rating_milli integer not null generated always as (
    case when rating_count = 0 then 0 else (rating_sum * 1000 / rating_count)::integer end) stored,
  -- 0..10000: trust 40 %, rating 40 % (smoothed, so that one rating decides little), experience 20 % (1000 orders are all).
  quality integer not null generated always as (round(10000 * (
    0.4 * owner_trust
    + 0.4 * ((rating_sum - rating_count)::double precision / 4 + 1) / (rating_count + 2)
    + 0.2 * least(1, ln(1 + completed::double precision) / ln(1001::double precision))))::integer) stored
) with (fillfactor = 80);
create index service_stats_quality on service_stats (quality desc, service_id desc) where listed;
create index service_stats_rating on service_stats (rating_milli desc, rating_count desc, service_id desc) where listed;
create index service_stats_completed on service_stats (completed desc, service_id desc) where listed;
create index service_stats_owner on service_stats (owner_id);
