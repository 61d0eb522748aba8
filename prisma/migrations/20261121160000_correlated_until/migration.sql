-- How far each node's conntrack had come when its cluster was last correlated: what was open then is looked at again.
ALTER TABLE "emitter" ADD COLUMN "correlated_until" TIMESTAMPTZ(6);
