# What a database holds: numbers of tables and rows, a checksum over the rows of each table, extensions, and the
# revision of Dify's schema. Run where a snapshot is held, so that it tells about what was dumped.
CENSUS="
SELECT 'tables=' || count(*) || ',rows=' || coalesce(sum(rows), 0) || ',counts_md5=' ||
  md5(coalesce(string_agg(name || '=' || rows, ' ' ORDER BY name), ''))
FROM (
  SELECT format('%I.%I', schemaname, tablename) COLLATE \"C\" AS name,
    (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I.%I', schemaname, tablename),
      false, true, '')))[1]::text::bigint AS rows
  FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
) AS counted;
SELECT 'extensions=' || string_agg(extname || ':' || extversion, ' ' ORDER BY extname) FROM pg_extension;
SELECT 'server_version=' || current_setting('server_version_num');
SELECT 'schema=' || coalesce(CASE WHEN to_regclass('public.alembic_version') IS NULL THEN 'none' ELSE
  (xpath('/row/v/text()', query_to_xml('SELECT min(version_num) AS v FROM public.alembic_version',
    false, true, '')))[1]::text END, 'none');
"
