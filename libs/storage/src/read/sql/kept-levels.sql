SELECT level, (extract(epoch FROM kept_from) * 1000000)::int8 AS "keptFrom" FROM rollup_kept
