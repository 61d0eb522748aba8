-- Ids under which drops were told before more was known of them: links to them go on leading somewhere.
-- CreateTable
CREATE TABLE "former_drop_id" (
    "id" TEXT NOT NULL,
    "cluster_id" INTEGER NOT NULL,
    "drop_id" TEXT NOT NULL,
    "first_seen_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "former_drop_id_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "former_drop_id_drop_id_idx" ON "former_drop_id"("drop_id");

-- CreateIndex
CREATE INDEX "former_drop_id_first_seen_at_idx" ON "former_drop_id"("first_seen_at");
