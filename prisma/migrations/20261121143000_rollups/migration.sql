-- AlterTable
ALTER TABLE "cluster" ADD COLUMN     "kept_from" TIMESTAMPTZ(6);

-- CreateTable
CREATE TABLE "drop_minute" (
    "bucket" TIMESTAMPTZ(6) NOT NULL,
    "group_id" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "drops" BIGINT NOT NULL,
    "attempts" BIGINT NOT NULL,
    "packets" BIGINT NOT NULL,
    "counted" BIGINT NOT NULL,

    CONSTRAINT "drop_minute_pkey" PRIMARY KEY ("bucket","group_id")
) PARTITION BY RANGE ("bucket");

-- CreateTable
CREATE TABLE "drop_hour" (
    "bucket" TIMESTAMPTZ(6) NOT NULL,
    "group_id" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "drops" BIGINT NOT NULL,
    "attempts" BIGINT NOT NULL,
    "packets" BIGINT NOT NULL,
    "counted" BIGINT NOT NULL,

    CONSTRAINT "drop_hour_pkey" PRIMARY KEY ("bucket","group_id")
) PARTITION BY RANGE ("bucket");

-- CreateTable
CREATE TABLE "drop_day" (
    "bucket" TIMESTAMPTZ(6) NOT NULL,
    "group_id" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "drops" BIGINT NOT NULL,
    "attempts" BIGINT NOT NULL,
    "packets" BIGINT NOT NULL,
    "counted" BIGINT NOT NULL,

    CONSTRAINT "drop_day_pkey" PRIMARY KEY ("bucket","group_id")
) PARTITION BY RANGE ("bucket");

-- CreateTable
CREATE TABLE "counted_group" (
    "id" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "verdict" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "direction" TEXT,
    "protocol" TEXT,
    "destination_port" INTEGER,
    "source_kind" TEXT,
    "source_namespace" TEXT,
    "source_name" TEXT,
    "destination_kind" TEXT,
    "destination_namespace" TEXT,
    "destination_name" TEXT,
    "node" TEXT,
    "policies" TEXT[],
    "last_seen_at" TIMESTAMPTZ(6) NOT NULL,
    "facts" JSONB NOT NULL,

    CONSTRAINT "counted_group_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "seen_day" (
    "cluster_id" INTEGER NOT NULL,
    "node" TEXT NOT NULL,
    "day" DATE NOT NULL,
    "minutes" BIT(1440) NOT NULL,

    CONSTRAINT "seen_day_pkey" PRIMARY KEY ("cluster_id","node","day")
);

-- CreateTable
CREATE TABLE "rollup_kept" (
    "level" TEXT NOT NULL,
    "kept_from" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "rollup_kept_pkey" PRIMARY KEY ("level")
);

-- CreateIndex
CREATE INDEX "drop_minute_group_id_bucket_idx" ON "drop_minute"("group_id", "bucket");

-- CreateIndex
CREATE INDEX "drop_hour_group_id_bucket_idx" ON "drop_hour"("group_id", "bucket");

-- CreateIndex
CREATE INDEX "drop_day_group_id_bucket_idx" ON "drop_day"("group_id", "bucket");

-- Times that no partition is made for (far past, future: a broken clock) are kept here.
CREATE TABLE "drop_minute_default" PARTITION OF "drop_minute" DEFAULT;
CREATE TABLE "drop_hour_default" PARTITION OF "drop_hour" DEFAULT;
CREATE TABLE "drop_day_default" PARTITION OF "drop_day" DEFAULT;

-- What an older version stored is rolled up here: a drop that is amended later is taken out of its window again.
INSERT INTO "counted_group"
SELECT DISTINCT ON (group_id) group_id, cluster_id, coalesce(facts ->> 'verdict', 'dropped'), cause, facts ->> 'direction',
       facts ->> 'protocol', (facts ->> 'destinationPort')::int4, NULL, NULL, NULL, NULL, NULL, NULL, nullif(node, ''),
       ARRAY(SELECT concat_ws('/', p ->> 'kind', coalesce(p ->> 'namespace', ''), p ->> 'name')
               FROM jsonb_array_elements(facts -> 'policies') AS p ORDER BY 1),
       to_time, facts
  FROM "counted_drop" ORDER BY group_id, to_time DESC;

INSERT INTO "drop_minute"
SELECT date_bin('1 minute', at, '1970-01-01T00:00:00Z'), group_id, min(cluster_id), sum(drops), sum(attempts), sum(packets), sum(counted)
  FROM (SELECT first_seen_at AS at, group_id, cluster_id, 1 AS drops, attempts, packets, 0 AS counted FROM "drop"
        UNION ALL
        SELECT to_time - interval '1 microsecond', group_id, cluster_id, 0, 0, 0, packets - attributed FROM "counted_drop" WHERE packets > attributed) AS told
 GROUP BY 1, 2;

INSERT INTO "drop_hour"
SELECT date_bin('1 hour', at, '1970-01-01T00:00:00Z'), group_id, min(cluster_id), sum(drops), sum(attempts), sum(packets), sum(counted)
  FROM (SELECT first_seen_at AS at, group_id, cluster_id, 1 AS drops, attempts, packets, 0 AS counted FROM "drop"
        UNION ALL
        SELECT to_time - interval '1 microsecond', group_id, cluster_id, 0, 0, 0, packets - attributed FROM "counted_drop" WHERE packets > attributed) AS told
 GROUP BY 1, 2;

INSERT INTO "drop_day"
SELECT date_bin('1 day', at, '1970-01-01T00:00:00Z'), group_id, min(cluster_id), sum(drops), sum(attempts), sum(packets), sum(counted)
  FROM (SELECT first_seen_at AS at, group_id, cluster_id, 1 AS drops, attempts, packets, 0 AS counted FROM "drop"
        UNION ALL
        SELECT to_time - interval '1 microsecond', group_id, cluster_id, 0, 0, 0, packets - attributed FROM "counted_drop" WHERE packets > attributed) AS told
 GROUP BY 1, 2;
