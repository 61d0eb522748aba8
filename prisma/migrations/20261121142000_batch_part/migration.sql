-- CreateTable
CREATE TABLE "batch_part" (
    "batch_id" BIGINT NOT NULL,
    "first_line" INTEGER NOT NULL,
    "last_line" INTEGER NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "rows" INTEGER,
    "rejects" INTEGER NOT NULL DEFAULT 0,
    "touched" JSONB,

    CONSTRAINT "batch_part_pkey" PRIMARY KEY ("batch_id","first_line")
);
