-- Whether the answer of the server in the file :answer says the same as the JSON in the file :expected, numbers to nine digits.
CREATE FUNCTION pg_temp.same(a jsonb, b jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF jsonb_typeof(a) IS DISTINCT FROM jsonb_typeof(b) THEN
    RAISE NOTICE '% is not %', left(a::text, 200), left(b::text, 200);
    RETURN false;
  END IF;
  CASE jsonb_typeof(a)
    WHEN 'number' THEN
      IF abs(a::float8 - b::float8) > 1e-9 * (1 + abs(b::float8)) THEN RAISE NOTICE '% is not %', a, b; RETURN false; END IF;
      RETURN true;
    WHEN 'object' THEN
      IF (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(a) k) IS DISTINCT FROM (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(b) k) THEN
        RAISE NOTICE '% has other fields than %', left(a::text, 200), left(b::text, 200);
        RETURN false;
      END IF;
      RETURN coalesce((SELECT bool_and(pg_temp.same(value, b -> key)) FROM jsonb_each(a)), true);
    WHEN 'array' THEN
      IF jsonb_array_length(a) <> jsonb_array_length(b) THEN RAISE NOTICE 'lists of % and %', jsonb_array_length(a), jsonb_array_length(b); RETURN false; END IF;
      RETURN coalesce((SELECT bool_and(pg_temp.same(value, b -> (place - 1)::int)) FROM jsonb_array_elements(a) WITH ORDINALITY AS e(value, place)), true);
    ELSE
      IF a <> b THEN RAISE NOTICE '% is not %', a, b; END IF;
      RETURN a = b;
  END CASE;
END $$;
\set answer `cat "$BENCH_ANSWER"`
\set expected `cat "$BENCH_EXPECTED"`
SELECT pg_temp.same(:'answer'::jsonb -> 'data', :'expected'::jsonb);
