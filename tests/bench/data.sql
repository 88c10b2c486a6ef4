-- Fills a migrated, empty PostgreSQL database: one network of :communities communities, :indicators indicators with one
-- definition each, one source, three to five initiatives in every community, and a figure for every community, indicator
-- and year from :first to :last. Everything follows from numbers, so that requests can be made up without asking first.
\set ON_ERROR_STOP on
BEGIN;

-- The record of number n of a kind: a UUID of version 7 in form.
CREATE FUNCTION pg_temp.id(kind text, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
  AS $$ SELECT ('0192000' || kind || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.text(text) RETURNS jsonb IMMUTABLE LANGUAGE sql
  AS $$ SELECT jsonb_build_object('source', 'en', 'texts', jsonb_build_object('en', $1)) $$;
CREATE FUNCTION pg_temp.no(n bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT lpad(n::text, 6, '0') $$;
-- A percentage with one decimal that looks random.
CREATE FUNCTION pg_temp.percentage(series bigint, year int) RETURNS double precision IMMUTABLE LANGUAGE sql
  AS $$ SELECT (hashint8(series * 10000 + year) & 1023) % 1000 / 10.0::double precision $$;

INSERT INTO network (id, version, created_at, created_by, updated_at, updated_by, slug, name, starts_on, indicators, name_key, search_text)
  SELECT pg_temp.id('1', 1), 1, now(), 'bench', now(), 'bench', 'bench', pg_temp.text('Bench'), '2000-01-01',
    (SELECT jsonb_agg(pg_temp.id('3', i) ORDER BY i) FROM generate_series(1, :indicators) i), 'bench', E'bench\nbench';

INSERT INTO community (id, version, created_at, created_by, updated_at, updated_by, slug, name, kind, country, subdivision,
    latitude, longitude, timezone, languages, codes, aliases, populations, population, name_key, search_text)
  SELECT pg_temp.id('2', n), 1, now(), 'bench', now(), 'bench', 'community-' || no, pg_temp.text('Community ' || no),
    'MUNICIPALITY', 'CA', 'CA-MB', 49 + n % 100 / 10.0, -97 + n % 70 / 10.0, 'America/Winnipeg', '["en", "fr"]',
    jsonb_build_array(jsonb_build_object('scheme', 'bench:ID', 'code', no, 'valid_from', NULL, 'valid_until', NULL)),
    jsonb_build_array('Comm. ' || no),
    jsonb_build_array(jsonb_build_object('as_of', '2021-07-01', 'persons', 1000 + 37 * n, 'source', 'Census')),
    1000 + 37 * n, 'community ' || no, 'community ' || no || E'\ncommunity-' || no || E'\ncomm. ' || no
  FROM generate_series(1, :communities) n, pg_temp.no(n) no;
INSERT INTO community_code SELECT pg_temp.id('2', n), 'bench:ID', pg_temp.no(n) FROM generate_series(1, :communities) n;
INSERT INTO membership (id, version, created_at, created_by, updated_at, updated_by, network_id, community_id, joined_on,
    consented)
  SELECT pg_temp.id('7', n), 1, now(), 'bench', now(), 'bench', pg_temp.id('1', 1), pg_temp.id('2', n), '2000-01-01', FALSE
  FROM generate_series(1, :communities) n;

INSERT INTO initiative (id, version, created_at, created_by, updated_at, updated_by, slug, community_id, other_communities,
    issue, title, summary, started_on, status, phases, phase, name_key, search_text)
  SELECT pg_temp.id('8', n * 10 + k), 1, now(), 'bench', now(), 'bench', 'initiative-' || no || '-' || k, pg_temp.id('2', n), '[]',
    'POVERTY', pg_temp.text('Initiative ' || no || ' ' || k), pg_temp.text('What the partners of community ' || no || ' do together.'),
    '2015-01-01', 'ACTIVE', '[{"phase": "BEGIN_IMPLEMENTATION", "started_on": "2016-01-01", "ended_on": null}]',
    'BEGIN_IMPLEMENTATION', 'initiative ' || no || ' ' || k, 'initiative ' || no || ' ' || k || E'\ninitiative-' || no || '-' || k
  FROM generate_series(1, :communities) n, pg_temp.no(n) no, generate_series(1, 3 + n % 3) k;
INSERT INTO initiative_community SELECT id, community_id FROM initiative;

INSERT INTO source (id, version, created_at, created_by, updated_at, updated_by, key, name, name_key, search_text)
  SELECT pg_temp.id('5', 1), 1, now(), 'bench', now(), 'bench', 'bench', pg_temp.text('Bench'), 'bench', E'bench\nbench';
INSERT INTO indicator (id, version, created_at, created_by, updated_at, updated_by, code, kind, issue, name, name_key, search_text)
  SELECT pg_temp.id('3', n), 1, now(), 'bench', now(), 'bench', 'i' || no, 'POPULATION', 'POVERTY', pg_temp.text('Indicator ' || no),
    'indicator ' || no, 'indicator ' || no || E'\ni' || no
  FROM generate_series(1, :indicators) n, pg_temp.no(n) no;
INSERT INTO network_indicator SELECT pg_temp.id('1', 1), id FROM indicator;
INSERT INTO indicator_version (id, version, created_at, created_by, updated_at, updated_by, indicator_id, number, measure, unit,
    decimals, polarity, frequency, additivity, effective_from)
  SELECT pg_temp.id('4', n), 1, now(), 'bench', now(), 'bench', pg_temp.id('3', n), 1, 'PERCENTAGE', pg_temp.text('%'), 1,
    'LOWER_IS_BETTER', 'YEAR', 'NONE', '1900-01-01'
  FROM generate_series(1, :indicators) n;
INSERT INTO target (id, version, created_at, created_by, updated_at, updated_by, indicator_id, indicator_version_id, network_id, value, due_on)
  SELECT pg_temp.id('9', n), 1, now(), 'bench', now(), 'bench', pg_temp.id('3', n), pg_temp.id('4', n), pg_temp.id('1', 1), 5, '2030-12-31'
  FROM generate_series(1, :indicators) n;

-- The series of indicator i and community n has the number (i - 1) * communities + n.
INSERT INTO series (id, version, created_at, created_by, updated_at, updated_by, community_id, indicator_id, indicator_version_id,
    source_id, disaggregation, breakdown_id)
  SELECT pg_temp.id('6', (i - 1) * :communities + n), 1, now(), 'bench', now(), 'bench', pg_temp.id('2', n), pg_temp.id('3', i),
    pg_temp.id('4', i), pg_temp.id('5', 1), '', pg_temp.id('6', (i - 1) * :communities + n)
  FROM generate_series(1, :indicators::bigint) i, generate_series(1, :communities::bigint) n;
-- The first indicator has declared starting points.
INSERT INTO baseline (id, version, created_at, created_by, updated_at, updated_by, series_id, period_kind, period_start, period_end)
  SELECT pg_temp.id('a', n), 1, now(), 'bench', now(), 'bench', pg_temp.id('6', n), 'YEAR', make_date(:first, 1, 1), make_date(:first + 1, 1, 1)
  FROM generate_series(1, :communities) n;
INSERT INTO observation (series_id, recorded_at, value, period_end, period_start, revision, period_kind, status, confidentiality, recorded_by)
  SELECT pg_temp.id('6', s), now(), pg_temp.percentage(s, y), make_date(y + 1, 1, 1), make_date(y, 1, 1), 1, 'YEAR', 'A', 'F', 'bench'
  FROM generate_series(1, :communities::bigint * :indicators) s, generate_series(:first, :last) y;
-- The newest current figure of each series that has a value and is no forecast.
INSERT INTO latest_observation (series_id, recorded_at, value, period_end, period_start, revision, period_kind, status, confidentiality,
    recorded_by, community_id, indicator_id, indicator_version_id, source_id, disaggregation, breakdown_id)
  SELECT o.series_id, o.recorded_at, o.value, o.period_end, o.period_start, o.revision, o.period_kind, o.status, o.confidentiality,
    o.recorded_by, s.community_id, s.indicator_id, s.indicator_version_id, s.source_id, s.disaggregation, s.breakdown_id
  FROM series s CROSS JOIN LATERAL (
    SELECT * FROM observation o WHERE o.series_id = s.id AND o.superseded_at IS NULL AND o.value IS NOT NULL AND o.status <> 'F'
    ORDER BY o.period_end DESC, o.period_start DESC, o.period_kind DESC LIMIT 1) o;
COMMIT;
VACUUM ANALYZE;
CHECKPOINT;
