-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "api_token" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "secret_hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revoked_at" TIMESTAMPTZ(6),

    CONSTRAINT "api_token_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "cluster" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,

    CONSTRAINT "cluster_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "emitter" (
    "id" SERIAL NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "node" TEXT NOT NULL,

    CONSTRAINT "emitter_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "raw_batch" (
    "id" BIGSERIAL NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "stream" TEXT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "sequence" BIGINT NOT NULL,
    "format" TEXT NOT NULL,
    "observed_from" TIMESTAMPTZ(6),
    "observed_to" TIMESTAMPTZ(6),
    "first_line" INTEGER NOT NULL,
    "attributes" JSONB NOT NULL,
    "payload" BYTEA NOT NULL,
    "payload_bytes" INTEGER NOT NULL,
    "sha256" BYTEA NOT NULL,
    "received_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "finished_at" TIMESTAMPTZ(6),

    CONSTRAINT "raw_batch_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "batch_stage" (
    "batch_id" BIGINT NOT NULL,
    "stage" TEXT NOT NULL,
    "rows" INTEGER NOT NULL,
    "rejects" INTEGER NOT NULL DEFAULT 0,
    "touched" JSONB,
    "finished_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "batch_stage_pkey" PRIMARY KEY ("batch_id","stage")
);

-- CreateTable
CREATE TABLE "reject" (
    "batch_id" BIGINT NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "line" INTEGER NOT NULL,
    "reason" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "raw" TEXT NOT NULL,
    "received_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "reject_pkey" PRIMARY KEY ("batch_id","ordinal")
);

-- CreateTable
CREATE TABLE "flow" (
    "observed_at" TIMESTAMPTZ(6) NOT NULL,
    "batch_id" BIGINT NOT NULL,
    "line" INTEGER NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "event" SMALLINT NOT NULL,
    "protocol" SMALLINT NOT NULL,
    "state" TEXT,
    "unreplied" BOOLEAN NOT NULL,
    "assured" BOOLEAN NOT NULL,
    "source" INET NOT NULL,
    "destination" INET NOT NULL,
    "source_port" INTEGER,
    "destination_port" INTEGER,
    "reply_source" INET NOT NULL,
    "reply_destination" INET NOT NULL,
    "reply_source_port" INTEGER,
    "reply_destination_port" INTEGER,
    "icmp_type" SMALLINT,
    "icmp_code" SMALLINT,
    "icmp_id" INTEGER,
    "original_packets" BIGINT,
    "original_bytes" BIGINT,
    "reply_packets" BIGINT,
    "reply_bytes" BIGINT,
    "mark" BIGINT,
    "zone" INTEGER,
    "conntrack_id" BIGINT,
    "original_key" BIGINT NOT NULL,
    "policy_key" BIGINT,
    "effective_key" BIGINT,

    CONSTRAINT "flow_pkey" PRIMARY KEY ("observed_at","batch_id","line")
) PARTITION BY RANGE ("observed_at");

-- CreateTable
CREATE TABLE "packet_log" (
    "observed_at" TIMESTAMPTZ(6) NOT NULL,
    "batch_id" BIGINT NOT NULL,
    "line" INTEGER NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "channel" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "nflog_group" INTEGER,
    "hook" TEXT,
    "in_interface" TEXT,
    "out_interface" TEXT,
    "physical_in" TEXT,
    "physical_out" TEXT,
    "protocol" SMALLINT NOT NULL,
    "source" INET NOT NULL,
    "destination" INET NOT NULL,
    "source_port" INTEGER,
    "destination_port" INTEGER,
    "icmp_type" SMALLINT,
    "icmp_code" SMALLINT,
    "icmp_id" INTEGER,
    "tcp_flags" TEXT,
    "tcp_sequence" BIGINT,
    "length" INTEGER,
    "mark" BIGINT,
    "hits" JSONB,
    "original_key" BIGINT NOT NULL,

    CONSTRAINT "packet_log_pkey" PRIMARY KEY ("observed_at","batch_id","line")
) PARTITION BY RANGE ("observed_at");

-- CreateTable
CREATE TABLE "ruleset" (
    "hash" TEXT NOT NULL,
    "tables" JSONB NOT NULL,

    CONSTRAINT "ruleset_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "ruleset_snapshot" (
    "observed_at" TIMESTAMPTZ(6) NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "family" TEXT NOT NULL,
    "backend" TEXT NOT NULL,
    "batch_id" BIGINT NOT NULL,
    "ruleset_hash" TEXT NOT NULL,
    "other_backend_present" BOOLEAN NOT NULL,
    "counters" BIGINT[],

    CONSTRAINT "ruleset_snapshot_pkey" PRIMARY KEY ("observed_at","emitter_id","family","backend","batch_id")
) PARTITION BY RANGE ("observed_at");

-- CreateTable
CREATE TABLE "ipset_content" (
    "hash" TEXT NOT NULL,
    "sets" JSONB NOT NULL,

    CONSTRAINT "ipset_content_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "ipset_snapshot" (
    "observed_at" TIMESTAMPTZ(6) NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "batch_id" BIGINT NOT NULL,
    "content_hash" TEXT NOT NULL,

    CONSTRAINT "ipset_snapshot_pkey" PRIMARY KEY ("observed_at","emitter_id","batch_id")
);

-- CreateTable
CREATE TABLE "interface_snapshot" (
    "batch_id" BIGINT NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "observed_at" TIMESTAMPTZ(6),
    "interfaces" JSONB NOT NULL,

    CONSTRAINT "interface_snapshot_pkey" PRIMARY KEY ("batch_id")
);

-- CreateTable
CREATE TABLE "metric_sample" (
    "observed_at" TIMESTAMPTZ(6) NOT NULL,
    "batch_id" BIGINT NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "labels" JSONB NOT NULL,
    "value" DOUBLE PRECISION NOT NULL,
    "line" INTEGER NOT NULL,

    CONSTRAINT "metric_sample_pkey" PRIMARY KEY ("observed_at","batch_id","ordinal")
) PARTITION BY RANGE ("observed_at");

-- CreateTable
CREATE TABLE "host_snapshot" (
    "batch_id" BIGINT NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "observed_at" TIMESTAMPTZ(6) NOT NULL,
    "body" JSONB NOT NULL,

    CONSTRAINT "host_snapshot_pkey" PRIMARY KEY ("batch_id")
);

-- CreateTable
CREATE TABLE "flow_verdict" (
    "observed_at" TIMESTAMPTZ(6) NOT NULL,
    "batch_id" BIGINT NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "line" INTEGER NOT NULL,
    "flow_emitter" TEXT NOT NULL,
    "verdict" TEXT NOT NULL,
    "direction" TEXT,
    "node" TEXT,
    "protocol" SMALLINT NOT NULL,
    "source" INET,
    "destination" INET,
    "source_port" INTEGER,
    "destination_port" INTEGER,
    "body" JSONB NOT NULL,
    "original_key" BIGINT,

    CONSTRAINT "flow_verdict_pkey" PRIMARY KEY ("observed_at","batch_id","ordinal")
) PARTITION BY RANGE ("observed_at");

-- CreateTable
CREATE TABLE "notice" (
    "batch_id" BIGINT NOT NULL,
    "line" INTEGER NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "observed_at" TIMESTAMPTZ(6) NOT NULL,
    "notice" TEXT NOT NULL,
    "raw" TEXT NOT NULL,

    CONSTRAINT "notice_pkey" PRIMARY KEY ("batch_id","line")
);

-- CreateTable
CREATE TABLE "object_version" (
    "id" BIGSERIAL NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "api_group" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "namespace" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "uid" TEXT,
    "resource_version" TEXT,
    "change" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(6),
    "at" TIMESTAMPTZ(6) NOT NULL,
    "valid_from" TIMESTAMPTZ(6) NOT NULL,
    "valid_to" TIMESTAMPTZ(6),
    "content_hash" TEXT NOT NULL,
    "object" JSONB NOT NULL,
    "batch_id" BIGINT NOT NULL,

    CONSTRAINT "object_version_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "coverage" (
    "id" BIGSERIAL NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "channel" TEXT NOT NULL,
    "from_time" TIMESTAMPTZ(6) NOT NULL,
    "to_time" TIMESTAMPTZ(6) NOT NULL,
    "batch_id" BIGINT NOT NULL,

    CONSTRAINT "coverage_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "explanation" (
    "id" TEXT NOT NULL,
    "body" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "explanation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "drop_group" (
    "id" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "verdict" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "direction" TEXT,
    "basis" TEXT NOT NULL,
    "protocol" TEXT NOT NULL,
    "destination_port" INTEGER,
    "source_kind" TEXT NOT NULL,
    "source_namespace" TEXT,
    "source_name" TEXT NOT NULL,
    "destination_kind" TEXT NOT NULL,
    "destination_namespace" TEXT,
    "destination_name" TEXT NOT NULL,
    "node" TEXT,
    "policies" TEXT[],
    "first_seen_at" TIMESTAMPTZ(6) NOT NULL,
    "last_seen_at" TIMESTAMPTZ(6) NOT NULL,
    "drops" BIGINT NOT NULL,
    "attempts" BIGINT NOT NULL,
    "packets" BIGINT NOT NULL,
    "explanation_id" TEXT NOT NULL,

    CONSTRAINT "drop_group_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "drop" (
    "first_seen_at" TIMESTAMPTZ(6) NOT NULL,
    "id" TEXT NOT NULL,
    "last_seen_at" TIMESTAMPTZ(6) NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "group_id" TEXT NOT NULL,
    "explanation_id" TEXT NOT NULL,
    "connection_key" BIGINT NOT NULL,
    "source" INET NOT NULL,
    "source_port" INTEGER,
    "destination" INET NOT NULL,
    "destination_port" INTEGER,
    "protocol" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL,
    "packets" INTEGER NOT NULL,
    "detail" JSONB NOT NULL,

    CONSTRAINT "drop_pkey" PRIMARY KEY ("first_seen_at","id")
) PARTITION BY RANGE ("first_seen_at");

-- CreateTable
CREATE TABLE "counted_drop" (
    "to_time" TIMESTAMPTZ(6) NOT NULL,
    "id" TEXT NOT NULL,
    "from_time" TIMESTAMPTZ(6) NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "group_id" TEXT NOT NULL,
    "node" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "packets" BIGINT NOT NULL,
    "attributed" BIGINT NOT NULL,
    "is_lower_bound" BOOLEAN NOT NULL,
    "facts" JSONB NOT NULL,

    CONSTRAINT "counted_drop_pkey" PRIMARY KEY ("to_time","id")
) PARTITION BY RANGE ("to_time");

-- CreateIndex
CREATE UNIQUE INDEX "cluster_name_key" ON "cluster"("name");

-- CreateIndex
CREATE UNIQUE INDEX "emitter_cluster_id_node_key" ON "emitter"("cluster_id", "node");

-- CreateIndex
CREATE INDEX "raw_batch_open_idx" ON "raw_batch"("id") WHERE (finished_at IS NULL);

-- CreateIndex
CREATE UNIQUE INDEX "raw_batch_emitter_id_stream_epoch_sequence_key" ON "raw_batch"("emitter_id", "stream", "epoch", "sequence");

-- CreateIndex
CREATE INDEX "reject_received_at_idx" ON "reject"("received_at");

-- CreateIndex
CREATE INDEX "flow_original_key_observed_at_idx" ON "flow"("original_key", "observed_at");

-- CreateIndex
CREATE INDEX "flow_policy_key_idx" ON "flow"("policy_key", "observed_at") WHERE (policy_key IS NOT NULL);

-- CreateIndex
CREATE INDEX "flow_effective_key_idx" ON "flow"("effective_key", "observed_at") WHERE (effective_key IS NOT NULL);

-- CreateIndex
CREATE INDEX "flow_emitter_id_observed_at_idx" ON "flow"("emitter_id", "observed_at");

-- CreateIndex
CREATE INDEX "packet_log_original_key_observed_at_idx" ON "packet_log"("original_key", "observed_at");

-- CreateIndex
CREATE INDEX "ruleset_snapshot_emitter_id_observed_at_idx" ON "ruleset_snapshot"("emitter_id", "observed_at");

-- CreateIndex
CREATE INDEX "ipset_snapshot_emitter_id_observed_at_idx" ON "ipset_snapshot"("emitter_id", "observed_at");

-- CreateIndex
CREATE INDEX "interface_snapshot_emitter_id_idx" ON "interface_snapshot"("emitter_id");

-- CreateIndex
CREATE INDEX "metric_sample_emitter_id_name_observed_at_idx" ON "metric_sample"("emitter_id", "name", "observed_at");

-- CreateIndex
CREATE INDEX "host_snapshot_emitter_id_kind_observed_at_idx" ON "host_snapshot"("emitter_id", "kind", "observed_at");

-- CreateIndex
CREATE INDEX "flow_verdict_original_key_observed_at_idx" ON "flow_verdict"("original_key", "observed_at");

-- CreateIndex
CREATE INDEX "notice_emitter_id_observed_at_idx" ON "notice"("emitter_id", "observed_at");

-- CreateIndex
CREATE INDEX "object_version_cluster_id_valid_from_valid_to_idx" ON "object_version"("cluster_id", "valid_from", "valid_to");

-- CreateIndex
CREATE UNIQUE INDEX "object_version_natural_key" ON "object_version"("cluster_id", "api_group", "kind", "namespace", "name", "at", "change", "content_hash");

-- CreateIndex
CREATE UNIQUE INDEX "coverage_emitter_id_channel_from_time_to_time_key" ON "coverage"("emitter_id", "channel", "from_time", "to_time");

-- CreateIndex
CREATE INDEX "drop_group_last_seen_at_id_idx" ON "drop_group"("last_seen_at", "id");

-- CreateIndex
CREATE INDEX "drop_group_policies_idx" ON "drop_group" USING GIN ("policies");

-- CreateIndex
CREATE INDEX "drop_id_idx" ON "drop"("id");

-- CreateIndex
CREATE INDEX "drop_cluster_id_connection_key_first_seen_at_idx" ON "drop"("cluster_id", "connection_key", "first_seen_at");

-- CreateIndex
CREATE INDEX "drop_group_id_first_seen_at_idx" ON "drop"("group_id", "first_seen_at");

-- CreateIndex
CREATE INDEX "counted_drop_cluster_id_to_time_idx" ON "counted_drop"("cluster_id", "to_time");

-- AddForeignKey
ALTER TABLE "emitter" ADD CONSTRAINT "emitter_cluster_id_fkey" FOREIGN KEY ("cluster_id") REFERENCES "cluster"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "raw_batch" ADD CONSTRAINT "raw_batch_emitter_id_fkey" FOREIGN KEY ("emitter_id") REFERENCES "emitter"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "batch_stage" ADD CONSTRAINT "batch_stage_batch_id_fkey" FOREIGN KEY ("batch_id") REFERENCES "raw_batch"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "reject" ADD CONSTRAINT "reject_batch_id_fkey" FOREIGN KEY ("batch_id") REFERENCES "raw_batch"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Times that no day partition is made for (far past, future: a broken clock) are kept here.
CREATE TABLE "flow_default" PARTITION OF "flow" DEFAULT;
CREATE TABLE "packet_log_default" PARTITION OF "packet_log" DEFAULT;
CREATE TABLE "ruleset_snapshot_default" PARTITION OF "ruleset_snapshot" DEFAULT;
CREATE TABLE "metric_sample_default" PARTITION OF "metric_sample" DEFAULT;
CREATE TABLE "flow_verdict_default" PARTITION OF "flow_verdict" DEFAULT;
CREATE TABLE "drop_default" PARTITION OF "drop" DEFAULT;
CREATE TABLE "counted_drop_default" PARTITION OF "counted_drop" DEFAULT;

-- Payloads are gzip already: compressing them again costs and gains nothing.
ALTER TABLE "raw_batch" ALTER COLUMN "payload" SET STORAGE EXTERNAL;
