-- Drops whose node's clock is another than the others': counters look for them by it.
-- CreateIndex
CREATE INDEX "drop_enforced_at_idx" ON "drop"("enforced_at") WHERE (enforced_at IS NOT NULL);
