-- Groups of a workload are found by its namespace and name without looking at all others.
CREATE INDEX "drop_group_source_namespace_source_name_idx" ON "drop_group"("source_namespace", "source_name");
CREATE INDEX "drop_group_destination_namespace_destination_name_idx" ON "drop_group"("destination_namespace", "destination_name");
