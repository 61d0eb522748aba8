-- AlterTable
ALTER TABLE "raw_batch" ADD COLUMN     "base" BIGINT;

-- CreateIndex
CREATE INDEX "raw_batch_base_idx" ON "raw_batch"("emitter_id", "stream", "epoch", "base") WHERE (base IS NOT NULL);
