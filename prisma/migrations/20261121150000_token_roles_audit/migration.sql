ALTER TABLE "api_token"
  ADD COLUMN "cluster" TEXT,
  ADD COLUMN "node" TEXT,
  ADD COLUMN "namespaces" TEXT[],
  ADD COLUMN "expires_at" TIMESTAMPTZ(6),
  ADD COLUMN "last_used_at" TIMESTAMPTZ(6);

CREATE TABLE "audit_log" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor" TEXT NOT NULL,
    "token_id" TEXT,
    "role" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "before" JSONB,
    "after" JSONB,

    CONSTRAINT "audit_log_pkey" PRIMARY KEY ("id")
);
