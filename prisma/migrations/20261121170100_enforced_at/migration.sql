-- When the node that ended a drop saw it by its own clock, which its counters go by.
-- AlterTable
ALTER TABLE "drop" ADD COLUMN     "enforced_at" TIMESTAMPTZ(6);
