-- CreateTable
CREATE TABLE "alert_rule" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "enabled" BOOLEAN NOT NULL,
    "spec" JSONB NOT NULL,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "updated_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "alert_rule_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "alert_evaluation" (
    "rule_id" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "evaluated_to" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "alert_evaluation_pkey" PRIMARY KEY ("rule_id","cluster_id")
);

-- CreateTable
CREATE TABLE "alert_series" (
    "rule_id" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    "labels" JSONB NOT NULL,
    "state" JSONB NOT NULL,

    CONSTRAINT "alert_series_pkey" PRIMARY KEY ("rule_id","cluster_id","key")
);

-- CreateTable
CREATE TABLE "alert" (
    "id" TEXT NOT NULL,
    "rule_id" TEXT NOT NULL,
    "rule_name" TEXT NOT NULL,
    "rule_kind" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    "labels" JSONB NOT NULL,
    "severity" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "starts_at" TIMESTAMPTZ(6) NOT NULL,
    "fired_at" TIMESTAMPTZ(6),
    "ends_at" TIMESTAMPTZ(6),
    "value" DOUBLE PRECISION NOT NULL,
    "expected" DOUBLE PRECISION,
    "baseline" JSONB,
    "level_shift" BOOLEAN NOT NULL DEFAULT false,
    "sequence" INTEGER NOT NULL DEFAULT 0,
    "notified" BOOLEAN NOT NULL DEFAULT false,
    "muted_by" JSONB,
    "message" JSONB NOT NULL,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "alert_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "silence" (
    "id" TEXT NOT NULL,
    "matchers" JSONB NOT NULL,
    "author" TEXT NOT NULL,
    "comment" TEXT NOT NULL,
    "starts_at" TIMESTAMPTZ(6) NOT NULL,
    "ends_at" TIMESTAMPTZ(6) NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "silence_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "alert_rule_name_key" ON "alert_rule"("name");

-- CreateIndex
CREATE INDEX "alert_state_starts_at_idx" ON "alert"("state", "starts_at");

-- CreateIndex
CREATE INDEX "alert_starts_at_id_idx" ON "alert"("starts_at", "id");

-- CreateIndex
CREATE INDEX "alert_rule_id_cluster_id_idx" ON "alert"("rule_id", "cluster_id");

-- CreateIndex
CREATE INDEX "silence_ends_at_idx" ON "silence"("ends_at");
