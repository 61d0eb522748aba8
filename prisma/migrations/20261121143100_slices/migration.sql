-- CreateTable
CREATE TABLE "drop_slice" (
    "id" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "verdict" TEXT NOT NULL,
    "dimension" TEXT NOT NULL,
    "value" TEXT NOT NULL,

    CONSTRAINT "drop_slice_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "slice_minute" (
    "bucket" TIMESTAMPTZ(6) NOT NULL,
    "group_id" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "drops" BIGINT NOT NULL,
    "attempts" BIGINT NOT NULL,
    "packets" BIGINT NOT NULL,
    "counted" BIGINT NOT NULL,

    CONSTRAINT "slice_minute_pkey" PRIMARY KEY ("bucket","group_id")
) PARTITION BY RANGE ("bucket");

-- CreateTable
CREATE TABLE "slice_hour" (
    "bucket" TIMESTAMPTZ(6) NOT NULL,
    "group_id" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "drops" BIGINT NOT NULL,
    "attempts" BIGINT NOT NULL,
    "packets" BIGINT NOT NULL,
    "counted" BIGINT NOT NULL,

    CONSTRAINT "slice_hour_pkey" PRIMARY KEY ("bucket","group_id")
) PARTITION BY RANGE ("bucket");

-- CreateTable
CREATE TABLE "slice_day" (
    "bucket" TIMESTAMPTZ(6) NOT NULL,
    "group_id" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "drops" BIGINT NOT NULL,
    "attempts" BIGINT NOT NULL,
    "packets" BIGINT NOT NULL,
    "counted" BIGINT NOT NULL,

    CONSTRAINT "slice_day_pkey" PRIMARY KEY ("bucket","group_id")
) PARTITION BY RANGE ("bucket");

-- CreateIndex
CREATE INDEX "drop_slice_dimension_cluster_id_idx" ON "drop_slice"("dimension", "cluster_id");

-- CreateIndex
CREATE INDEX "slice_minute_group_id_bucket_idx" ON "slice_minute"("group_id", "bucket");

-- CreateIndex
CREATE INDEX "slice_hour_group_id_bucket_idx" ON "slice_hour"("group_id", "bucket");

-- CreateIndex
CREATE INDEX "slice_day_group_id_bucket_idx" ON "slice_day"("group_id", "bucket");

CREATE TABLE "slice_minute_default" PARTITION OF "slice_minute" DEFAULT;
CREATE TABLE "slice_hour_default" PARTITION OF "slice_hour" DEFAULT;
CREATE TABLE "slice_day_default" PARTITION OF "slice_day" DEFAULT;

-- Which slices each group is in.
CREATE TEMPORARY TABLE "slice_of_group" ON COMMIT DROP AS
SELECT g.id AS group_id, g.cluster_id, g.verdict, s.dimension, s.value,
       g.cluster_id || '/' || g.verdict || '/' || s.dimension || '/' || s.value AS id
  FROM (SELECT id, cluster_id, verdict, cause, direction, source_namespace, destination_namespace, policies FROM "drop_group"
        UNION ALL
        SELECT id, cluster_id, verdict, cause, direction, source_namespace, destination_namespace, policies FROM "counted_group") g,
       LATERAL (SELECT 'all', '' UNION ALL SELECT 'cause', g.cause
                UNION ALL SELECT 'namespace', coalesce(
                  CASE WHEN g.direction = 'egress' THEN coalesce(g.source_namespace, g.destination_namespace)
                       ELSE coalesce(g.destination_namespace, g.source_namespace) END, '')
                UNION ALL SELECT 'policy', p FROM unnest(CASE WHEN cardinality(g.policies) = 0 THEN ARRAY[''] ELSE g.policies END) AS p
               ) AS s(dimension, value);

INSERT INTO "drop_slice" SELECT DISTINCT id, cluster_id, verdict, dimension, value FROM "slice_of_group";

INSERT INTO "slice_minute"
SELECT r.bucket, s.id, s.cluster_id, sum(r.drops), sum(r.attempts), sum(r.packets), sum(r.counted)
  FROM "drop_minute" r JOIN "slice_of_group" s ON s.group_id = r.group_id GROUP BY 1, 2, 3;

INSERT INTO "slice_hour"
SELECT r.bucket, s.id, s.cluster_id, sum(r.drops), sum(r.attempts), sum(r.packets), sum(r.counted)
  FROM "drop_hour" r JOIN "slice_of_group" s ON s.group_id = r.group_id GROUP BY 1, 2, 3;

INSERT INTO "slice_day"
SELECT r.bucket, s.id, s.cluster_id, sum(r.drops), sum(r.attempts), sum(r.packets), sum(r.counted)
  FROM "drop_day" r JOIN "slice_of_group" s ON s.group_id = r.group_id GROUP BY 1, 2, 3;
