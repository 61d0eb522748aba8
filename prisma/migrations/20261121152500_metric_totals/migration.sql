-- AlterTable
ALTER TABLE "batch_stage" ADD COLUMN     "tallied" BOOLEAN NOT NULL DEFAULT false;

-- CreateTable
CREATE TABLE "metric_total" (
    "name" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "labels" TEXT[],
    "value" BIGINT NOT NULL,
    "last" BIGINT NOT NULL,
    "shown" TEXT,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "metric_total_pkey" PRIMARY KEY ("name","key")
);

-- What no scrape has added up yet.
CREATE INDEX "batch_stage_untallied_idx" ON "batch_stage"("batch_id") WHERE (NOT tallied);
