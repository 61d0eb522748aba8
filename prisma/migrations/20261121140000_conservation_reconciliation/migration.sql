-- AlterTable
ALTER TABLE "counted_drop" ADD COLUMN     "counted_only" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "excess" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "lost" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- CreateTable
CREATE TABLE "reconciliation_due" (
    "id" BIGSERIAL NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "from_time" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "reconciliation_due_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "reconciliation_finding" (
    "id" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "family" TEXT NOT NULL,
    "backend" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "namespace" TEXT,
    "workload" TEXT,
    "direction" TEXT,
    "subject" TEXT,
    "policies" TEXT[],
    "sentence" TEXT NOT NULL,
    "detail" JSONB NOT NULL,
    "first_seen_at" TIMESTAMPTZ(6) NOT NULL,
    "last_seen_at" TIMESTAMPTZ(6) NOT NULL,
    "opened_at" TIMESTAMPTZ(6),
    "resolved_at" TIMESTAMPTZ(6),

    CONSTRAINT "reconciliation_finding_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "reconciliation_finding_emitter_id_first_seen_at_idx" ON "reconciliation_finding"("emitter_id", "first_seen_at");

-- CreateIndex
CREATE INDEX "reconciliation_finding_open_idx" ON "reconciliation_finding"("cluster_id", "opened_at") WHERE (resolved_at IS NULL);

-- CreateIndex
CREATE INDEX "object_version_batch_id_idx" ON "object_version"("batch_id");
