-- What emitters lost: known loss, with its reason.
-- CreateTable
CREATE TABLE "gap" (
    "batch_id" BIGINT NOT NULL,
    "line" INTEGER NOT NULL,
    "emitter_id" INTEGER NOT NULL,
    "stream" TEXT NOT NULL,
    "channel" TEXT,
    "reason" TEXT NOT NULL,
    "from_time" TIMESTAMPTZ(6) NOT NULL,
    "to_time" TIMESTAMPTZ(6) NOT NULL,
    "records" BIGINT,
    "epoch" BIGINT,
    "first_sequence" BIGINT,
    "last_sequence" BIGINT,
    "detail" TEXT,

    CONSTRAINT "gap_pkey" PRIMARY KEY ("batch_id","line")
);

-- CreateIndex
CREATE INDEX "gap_emitter_id_from_time_idx" ON "gap"("emitter_id", "from_time");

-- CreateIndex
CREATE UNIQUE INDEX "gap_emitter_id_stream_epoch_first_sequence_reason_key" ON "gap"("emitter_id", "stream", "epoch", "first_sequence", "reason");
