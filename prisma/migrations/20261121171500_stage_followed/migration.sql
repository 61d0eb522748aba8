-- What is stored and waits to be correlated is found without looking at everything that is not stored yet.
-- Ledger rows of finished batches are true from the start, so that no old row has to be written.
ALTER TABLE "batch_stage" ADD COLUMN "followed" BOOLEAN NOT NULL DEFAULT true;
ALTER TABLE "batch_stage" ALTER COLUMN "followed" SET DEFAULT false;
UPDATE "batch_stage" s SET "followed" = false FROM "raw_batch" b WHERE b."id" = s."batch_id" AND b."finished_at" IS NULL AND s."stage" = 'store';
CREATE INDEX "batch_stage_waiting_idx" ON "batch_stage"("batch_id") WHERE ((NOT followed) AND (stage = 'store'::text));
