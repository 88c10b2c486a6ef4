WITH what AS (
  SELECT i.id AS indicator, v.id AS version, n.id AS network, t.value AS target,
    CASE v.polarity WHEN 'HIGHER_IS_BETTER' THEN 1 WHEN 'LOWER_IS_BETTER' THEN -1 END AS sign
  FROM indicator i JOIN indicator_version v ON v.indicator_id = i.id AND v.archived_at IS NULL AND v.effective_from <= CURRENT_DATE
  JOIN network n ON n.slug = 'bench'
  LEFT JOIN target t ON t.indicator_id = i.id AND t.network_id = n.id AND t.archived_at IS NULL
  WHERE i.code = 'i' || lpad(:i::text, 6, '0') ORDER BY v.number DESC LIMIT 1
), members AS (
  SELECT c.id, c.slug, c.name, w.* FROM what w JOIN membership m ON m.network_id = w.network JOIN community c ON c.id = m.community_id
  WHERE m.archived_at IS NULL AND m.joined_on <= CURRENT_DATE AND (m.left_on IS NULL OR CURRENT_DATE < m.left_on) AND c.archived_at IS NULL
), compared AS (
  SELECT m.*, l.value, l.period_start, l.status, l.recorded_at, b.value AS base, l.indicator_version_id = m.version AS same,
    rank() OVER (ORDER BY m.sign * l.value DESC) AS place, count(*) OVER (PARTITION BY l.value) AS ties, count(*) OVER () AS n
  FROM members m
  JOIN latest_observation l ON l.community_id = m.id AND l.indicator_id = m.indicator AND l.disaggregation = '' AND l.confidentiality = 'F'
  LEFT JOIN observation b ON b.series_id = l.series_id AND b.period_end = make_date(:year::int + 1, 1, 1)
    AND b.period_start = make_date(:year::int, 1, 1) AND b.period_kind = 'YEAR' AND b.superseded_at IS NULL AND b.confidentiality = 'F'
), spread AS (
  SELECT count(*) AS count, min(value) AS minimum, max(value) AS maximum,
    percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY value) AS quartiles FROM compared
)
SELECT json_build_object('comparison', json_build_object(
  'period', (SELECT to_char(mode() WITHIN GROUP (ORDER BY period_start), 'YYYY') FROM compared),
  'coverage', json_build_object('expected', (SELECT count(*) FROM members), 'reporting', s.count),
  'distribution', json_build_object('count', s.count, 'minimum', s.minimum, 'lowerQuartile', s.quartiles[1], 'median', s.quartiles[2],
    'upperQuartile', s.quartiles[3], 'maximum', s.maximum),
  'entries', (
    SELECT json_agg(json_build_object(
      'community', json_build_object('slug', c.slug, 'name', json_build_object('text', c.name -> 'texts' ->> 'en')),
      'current', json_build_object('value', c.value, 'period', to_char(c.period_start, 'YYYY'),
        'status', CASE c.status WHEN 'A' THEN 'NORMAL' WHEN 'P' THEN 'PROVISIONAL' WHEN 'E' THEN 'ESTIMATED' ELSE c.status END,
        'recordedAt', to_char(c.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.US"Z"')),
      'baseline', json_build_object('value', c.base),
      'change', c.value - c.base,
      'improvement', c.sign * (c.value - c.base),
      'percentile', CASE WHEN c.n >= 5 THEN 100 * (c.n - c.place - (c.ties - 1) / 2.0::float8) / (c.n - 1) END,
      'rank', json_build_object('position', c.place),
      'target', json_build_object('gap', c.sign * (c.target - c.value), 'progress', 100 * (c.value - c.base) / nullif(c.target - c.base, 0)),
      'comparability', CASE WHEN c.same THEN 'SAME_MEASUREMENT' ELSE 'SAME_OUTCOME' END,
      'compared', c.same) ORDER BY c.id) FROM compared c)))
FROM spread s;
