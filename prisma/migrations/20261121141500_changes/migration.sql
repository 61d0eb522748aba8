-- AlterTable
ALTER TABLE "drop_group" ADD COLUMN     "changes" JSONB,
ADD COLUMN     "changes_of" TEXT;
