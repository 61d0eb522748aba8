-- The latest of a million batches that are not worked through are found without looking at the others.
CREATE INDEX "raw_batch_open_received_idx" ON "raw_batch"("received_at") WHERE (finished_at IS NULL);
