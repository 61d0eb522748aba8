-- What the migrations make. Written by `node tools/schema-snapshot.mjs --write`, compared by a test.

CREATE TABLE alert (
  id text NOT NULL,
  rule_id text NOT NULL,
  rule_name text NOT NULL,
  rule_kind text NOT NULL,
  cluster_id integer NOT NULL,
  key text NOT NULL,
  labels jsonb NOT NULL,
  severity text NOT NULL,
  state text NOT NULL,
  starts_at timestamp(6) with time zone NOT NULL,
  fired_at timestamp(6) with time zone,
  ends_at timestamp(6) with time zone,
  value double precision NOT NULL,
  expected double precision,
  baseline jsonb,
  level_shift boolean DEFAULT false NOT NULL,
  sequence integer DEFAULT 0 NOT NULL,
  notified boolean DEFAULT false NOT NULL,
  muted_by jsonb,
  message jsonb NOT NULL,
  updated_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  CONSTRAINT alert_pkey PRIMARY KEY (id)
);
CREATE INDEX alert_rule_id_cluster_id_idx ON public.alert USING btree (rule_id, cluster_id);
CREATE INDEX alert_starts_at_id_idx ON public.alert USING btree (starts_at, id);
CREATE INDEX alert_state_starts_at_idx ON public.alert USING btree (state, starts_at);

CREATE TABLE alert_delivery (
  id bigint DEFAULT nextval('alert_delivery_id_seq'::regclass) NOT NULL,
  key text NOT NULL,
  receiver_id integer NOT NULL,
  alert_id text NOT NULL,
  sequence integer NOT NULL,
  status text NOT NULL,
  message jsonb NOT NULL,
  state text DEFAULT 'pending'::text NOT NULL,
  attempts integer DEFAULT 0 NOT NULL,
  next_attempt_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  lease_until timestamp(6) with time zone,
  lease_token text,
  repeat_at timestamp(6) with time zone,
  reason text,
  created_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  finished_at timestamp(6) with time zone,
  CONSTRAINT alert_delivery_pkey PRIMARY KEY (id),
  CONSTRAINT alert_delivery_receiver_id_fkey FOREIGN KEY (receiver_id) REFERENCES receiver(id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX alert_delivery_alert_id_idx ON public.alert_delivery USING btree (alert_id);
CREATE INDEX alert_delivery_created_at_id_idx ON public.alert_delivery USING btree (created_at, id);
CREATE UNIQUE INDEX alert_delivery_key_key ON public.alert_delivery USING btree (key);
CREATE INDEX alert_delivery_pending_idx ON public.alert_delivery USING btree (receiver_id, next_attempt_at) WHERE (state = 'pending'::text);
CREATE UNIQUE INDEX alert_delivery_receiver_id_alert_id_sequence_key ON public.alert_delivery USING btree (receiver_id, alert_id, sequence);
CREATE INDEX alert_delivery_repeat_idx ON public.alert_delivery USING btree (receiver_id, repeat_at) WHERE (repeat_at IS NOT NULL);

CREATE TABLE alert_evaluation (
  rule_id text NOT NULL,
  cluster_id integer NOT NULL,
  evaluated_to timestamp(6) with time zone NOT NULL,
  CONSTRAINT alert_evaluation_pkey PRIMARY KEY (rule_id, cluster_id)
);

CREATE TABLE alert_rule (
  id text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL,
  source text NOT NULL,
  enabled boolean NOT NULL,
  spec jsonb NOT NULL,
  revision integer DEFAULT 1 NOT NULL,
  updated_by text NOT NULL,
  created_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  updated_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  CONSTRAINT alert_rule_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX alert_rule_name_key ON public.alert_rule USING btree (name);

CREATE TABLE alert_series (
  rule_id text NOT NULL,
  cluster_id integer NOT NULL,
  key text NOT NULL,
  labels jsonb NOT NULL,
  state jsonb NOT NULL,
  CONSTRAINT alert_series_pkey PRIMARY KEY (rule_id, cluster_id, key)
);

CREATE TABLE api_token (
  id text NOT NULL,
  name text NOT NULL,
  role text NOT NULL,
  secret_hash text NOT NULL,
  created_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  revoked_at timestamp(6) with time zone,
  cluster text,
  node text,
  namespaces text[],
  expires_at timestamp(6) with time zone,
  last_used_at timestamp(6) with time zone,
  CONSTRAINT api_token_pkey PRIMARY KEY (id)
);

CREATE TABLE audit_log (
  id bigint DEFAULT nextval('audit_log_id_seq'::regclass) NOT NULL,
  at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  actor text NOT NULL,
  token_id text,
  role text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  before jsonb,
  after jsonb,
  CONSTRAINT audit_log_pkey PRIMARY KEY (id)
);

CREATE TABLE batch_part (
  batch_id bigint NOT NULL,
  first_line integer NOT NULL,
  last_line integer NOT NULL,
  attempts integer DEFAULT 0 NOT NULL,
  rows integer,
  rejects integer DEFAULT 0 NOT NULL,
  touched jsonb,
  CONSTRAINT batch_part_pkey PRIMARY KEY (batch_id, first_line)
);

CREATE TABLE batch_stage (
  batch_id bigint NOT NULL,
  stage text NOT NULL,
  rows integer NOT NULL,
  rejects integer DEFAULT 0 NOT NULL,
  touched jsonb,
  finished_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  tallied boolean DEFAULT false NOT NULL,
  followed boolean DEFAULT false NOT NULL,
  CONSTRAINT batch_stage_pkey PRIMARY KEY (batch_id, stage),
  CONSTRAINT batch_stage_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES raw_batch(id) ON UPDATE CASCADE ON DELETE RESTRICT
);
CREATE INDEX batch_stage_untallied_idx ON public.batch_stage USING btree (batch_id) WHERE (NOT tallied);
CREATE INDEX batch_stage_waiting_idx ON public.batch_stage USING btree (batch_id) WHERE ((NOT followed) AND (stage = 'store'::text));

CREATE TABLE cluster (
  id integer DEFAULT nextval('cluster_id_seq'::regclass) NOT NULL,
  name text NOT NULL,
  kept_from timestamp(6) with time zone,
  CONSTRAINT cluster_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX cluster_name_key ON public.cluster USING btree (name);

CREATE TABLE counted_drop (
  to_time timestamp(6) with time zone NOT NULL,
  id text NOT NULL,
  from_time timestamp(6) with time zone NOT NULL,
  cluster_id integer NOT NULL,
  group_id text NOT NULL,
  node text NOT NULL,
  channel text NOT NULL,
  cause text NOT NULL,
  packets bigint NOT NULL,
  attributed bigint NOT NULL,
  is_lower_bound boolean NOT NULL,
  facts jsonb NOT NULL,
  counted_only bigint DEFAULT 0 NOT NULL,
  excess bigint DEFAULT 0 NOT NULL,
  lost text[] DEFAULT ARRAY[]::text[],
  CONSTRAINT counted_drop_pkey PRIMARY KEY (to_time, id)
) PARTITION BY RANGE (to_time);
CREATE INDEX counted_drop_cluster_id_to_time_idx ON public.counted_drop USING btree (cluster_id, to_time);

CREATE TABLE counted_drop_default PARTITION OF counted_drop DEFAULT;

CREATE TABLE counted_group (
  id text NOT NULL,
  cluster_id integer NOT NULL,
  verdict text NOT NULL,
  cause text NOT NULL,
  direction text,
  protocol text,
  destination_port integer,
  source_kind text,
  source_namespace text,
  source_name text,
  destination_kind text,
  destination_namespace text,
  destination_name text,
  node text,
  policies text[],
  last_seen_at timestamp(6) with time zone NOT NULL,
  facts jsonb NOT NULL,
  CONSTRAINT counted_group_pkey PRIMARY KEY (id)
);

CREATE TABLE coverage (
  id bigint DEFAULT nextval('coverage_id_seq'::regclass) NOT NULL,
  emitter_id integer NOT NULL,
  channel text NOT NULL,
  from_time timestamp(6) with time zone NOT NULL,
  to_time timestamp(6) with time zone NOT NULL,
  batch_id bigint NOT NULL,
  CONSTRAINT coverage_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX coverage_emitter_id_channel_from_time_to_time_key ON public.coverage USING btree (emitter_id, channel, from_time, to_time);

CREATE TABLE delivery_attempt (
  id bigint DEFAULT nextval('delivery_attempt_id_seq'::regclass) NOT NULL,
  delivery_id bigint NOT NULL,
  started_at timestamp(6) with time zone NOT NULL,
  millis integer NOT NULL,
  outcome text NOT NULL,
  status integer,
  response text,
  error text,
  CONSTRAINT delivery_attempt_pkey PRIMARY KEY (id),
  CONSTRAINT delivery_attempt_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES alert_delivery(id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX delivery_attempt_delivery_id_id_idx ON public.delivery_attempt USING btree (delivery_id, id);

CREATE TABLE drop (
  first_seen_at timestamp(6) with time zone NOT NULL,
  id text NOT NULL,
  last_seen_at timestamp(6) with time zone NOT NULL,
  cluster_id integer NOT NULL,
  group_id text NOT NULL,
  explanation_id text NOT NULL,
  connection_key bigint NOT NULL,
  source inet NOT NULL,
  source_port integer,
  destination inet NOT NULL,
  destination_port integer,
  protocol text NOT NULL,
  attempts integer NOT NULL,
  packets integer NOT NULL,
  detail jsonb NOT NULL,
  enforced_at timestamp(6) with time zone,
  CONSTRAINT drop_pkey PRIMARY KEY (first_seen_at, id)
) PARTITION BY RANGE (first_seen_at);
CREATE INDEX drop_cluster_id_connection_key_first_seen_at_idx ON public.drop USING btree (cluster_id, connection_key, first_seen_at);
CREATE INDEX drop_enforced_at_idx ON public.drop USING btree (enforced_at) WHERE (enforced_at IS NOT NULL);
CREATE INDEX drop_group_id_first_seen_at_idx ON public.drop USING btree (group_id, first_seen_at);
CREATE INDEX drop_id_idx ON public.drop USING btree (id);

CREATE TABLE drop_day (
  bucket timestamp(6) with time zone NOT NULL,
  group_id text NOT NULL,
  cluster_id integer NOT NULL,
  drops bigint NOT NULL,
  attempts bigint NOT NULL,
  packets bigint NOT NULL,
  counted bigint NOT NULL,
  CONSTRAINT drop_day_pkey PRIMARY KEY (bucket, group_id)
) PARTITION BY RANGE (bucket);
CREATE INDEX drop_day_group_id_bucket_idx ON public.drop_day USING btree (group_id, bucket);

CREATE TABLE drop_day_default PARTITION OF drop_day DEFAULT;

CREATE TABLE drop_default PARTITION OF drop DEFAULT;

CREATE TABLE drop_group (
  id text NOT NULL,
  cluster_id integer NOT NULL,
  verdict text NOT NULL,
  cause text NOT NULL,
  direction text,
  basis text NOT NULL,
  protocol text NOT NULL,
  destination_port integer,
  source_kind text NOT NULL,
  source_namespace text,
  source_name text NOT NULL,
  destination_kind text NOT NULL,
  destination_namespace text,
  destination_name text NOT NULL,
  node text,
  policies text[],
  first_seen_at timestamp(6) with time zone NOT NULL,
  last_seen_at timestamp(6) with time zone NOT NULL,
  drops bigint NOT NULL,
  attempts bigint NOT NULL,
  packets bigint NOT NULL,
  explanation_id text NOT NULL,
  changes jsonb,
  changes_of text,
  CONSTRAINT drop_group_pkey PRIMARY KEY (id)
);
CREATE INDEX drop_group_destination_namespace_destination_name_idx ON public.drop_group USING btree (destination_namespace, destination_name);
CREATE INDEX drop_group_last_seen_at_id_idx ON public.drop_group USING btree (last_seen_at, id);
CREATE INDEX drop_group_policies_idx ON public.drop_group USING gin (policies);
CREATE INDEX drop_group_source_namespace_source_name_idx ON public.drop_group USING btree (source_namespace, source_name);

CREATE TABLE drop_hour (
  bucket timestamp(6) with time zone NOT NULL,
  group_id text NOT NULL,
  cluster_id integer NOT NULL,
  drops bigint NOT NULL,
  attempts bigint NOT NULL,
  packets bigint NOT NULL,
  counted bigint NOT NULL,
  CONSTRAINT drop_hour_pkey PRIMARY KEY (bucket, group_id)
) PARTITION BY RANGE (bucket);
CREATE INDEX drop_hour_group_id_bucket_idx ON public.drop_hour USING btree (group_id, bucket);

CREATE TABLE drop_hour_default PARTITION OF drop_hour DEFAULT;

CREATE TABLE drop_minute (
  bucket timestamp(6) with time zone NOT NULL,
  group_id text NOT NULL,
  cluster_id integer NOT NULL,
  drops bigint NOT NULL,
  attempts bigint NOT NULL,
  packets bigint NOT NULL,
  counted bigint NOT NULL,
  CONSTRAINT drop_minute_pkey PRIMARY KEY (bucket, group_id)
) PARTITION BY RANGE (bucket);
CREATE INDEX drop_minute_group_id_bucket_idx ON public.drop_minute USING btree (group_id, bucket);

CREATE TABLE drop_minute_default PARTITION OF drop_minute DEFAULT;

CREATE TABLE drop_slice (
  id text NOT NULL,
  cluster_id integer NOT NULL,
  verdict text NOT NULL,
  dimension text NOT NULL,
  value text NOT NULL,
  CONSTRAINT drop_slice_pkey PRIMARY KEY (id)
);
CREATE INDEX drop_slice_dimension_cluster_id_idx ON public.drop_slice USING btree (dimension, cluster_id);

CREATE TABLE emitter (
  id integer DEFAULT nextval('emitter_id_seq'::regclass) NOT NULL,
  cluster_id integer NOT NULL,
  node text NOT NULL,
  correlated_until timestamp(6) with time zone,
  CONSTRAINT emitter_pkey PRIMARY KEY (id),
  CONSTRAINT emitter_cluster_id_fkey FOREIGN KEY (cluster_id) REFERENCES cluster(id) ON UPDATE CASCADE ON DELETE RESTRICT
);
CREATE UNIQUE INDEX emitter_cluster_id_node_key ON public.emitter USING btree (cluster_id, node);

CREATE TABLE explanation (
  id text NOT NULL,
  body jsonb NOT NULL,
  created_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  CONSTRAINT explanation_pkey PRIMARY KEY (id)
);

CREATE TABLE flow (
  observed_at timestamp(6) with time zone NOT NULL,
  batch_id bigint NOT NULL,
  line integer NOT NULL,
  emitter_id integer NOT NULL,
  event smallint NOT NULL,
  protocol smallint NOT NULL,
  state text,
  unreplied boolean NOT NULL,
  assured boolean NOT NULL,
  source inet NOT NULL,
  destination inet NOT NULL,
  source_port integer,
  destination_port integer,
  reply_source inet NOT NULL,
  reply_destination inet NOT NULL,
  reply_source_port integer,
  reply_destination_port integer,
  icmp_type smallint,
  icmp_code smallint,
  icmp_id integer,
  original_packets bigint,
  original_bytes bigint,
  reply_packets bigint,
  reply_bytes bigint,
  mark bigint,
  zone integer,
  conntrack_id bigint,
  original_key bigint NOT NULL,
  policy_key bigint,
  effective_key bigint,
  CONSTRAINT flow_pkey PRIMARY KEY (observed_at, batch_id, line)
) PARTITION BY RANGE (observed_at);
CREATE INDEX flow_effective_key_idx ON public.flow USING btree (effective_key, observed_at) WHERE (effective_key IS NOT NULL);
CREATE INDEX flow_emitter_id_observed_at_idx ON public.flow USING btree (emitter_id, observed_at);
CREATE INDEX flow_original_key_observed_at_idx ON public.flow USING btree (original_key, observed_at);
CREATE INDEX flow_policy_key_idx ON public.flow USING btree (policy_key, observed_at) WHERE (policy_key IS NOT NULL);

CREATE TABLE flow_default PARTITION OF flow DEFAULT;

CREATE TABLE flow_verdict (
  observed_at timestamp(6) with time zone NOT NULL,
  batch_id bigint NOT NULL,
  ordinal integer NOT NULL,
  emitter_id integer NOT NULL,
  line integer NOT NULL,
  flow_emitter text NOT NULL,
  verdict text NOT NULL,
  direction text,
  node text,
  protocol smallint NOT NULL,
  source inet,
  destination inet,
  source_port integer,
  destination_port integer,
  body jsonb NOT NULL,
  original_key bigint,
  CONSTRAINT flow_verdict_pkey PRIMARY KEY (observed_at, batch_id, ordinal)
) PARTITION BY RANGE (observed_at);
CREATE INDEX flow_verdict_original_key_observed_at_idx ON public.flow_verdict USING btree (original_key, observed_at);

CREATE TABLE flow_verdict_default PARTITION OF flow_verdict DEFAULT;

CREATE TABLE former_drop_id (
  id text NOT NULL,
  cluster_id integer NOT NULL,
  drop_id text NOT NULL,
  first_seen_at timestamp(6) with time zone NOT NULL,
  CONSTRAINT former_drop_id_pkey PRIMARY KEY (id)
);
CREATE INDEX former_drop_id_drop_id_idx ON public.former_drop_id USING btree (drop_id);
CREATE INDEX former_drop_id_first_seen_at_idx ON public.former_drop_id USING btree (first_seen_at);

CREATE TABLE gap (
  batch_id bigint NOT NULL,
  line integer NOT NULL,
  emitter_id integer NOT NULL,
  stream text NOT NULL,
  channel text,
  reason text NOT NULL,
  from_time timestamp(6) with time zone NOT NULL,
  to_time timestamp(6) with time zone NOT NULL,
  records bigint,
  epoch bigint,
  first_sequence bigint,
  last_sequence bigint,
  detail text,
  CONSTRAINT gap_pkey PRIMARY KEY (batch_id, line)
);
CREATE INDEX gap_emitter_id_from_time_idx ON public.gap USING btree (emitter_id, from_time);
CREATE UNIQUE INDEX gap_emitter_id_stream_epoch_first_sequence_reason_key ON public.gap USING btree (emitter_id, stream, epoch, first_sequence, reason);

CREATE TABLE host_snapshot (
  batch_id bigint NOT NULL,
  emitter_id integer NOT NULL,
  kind text NOT NULL,
  observed_at timestamp(6) with time zone NOT NULL,
  body jsonb NOT NULL,
  CONSTRAINT host_snapshot_pkey PRIMARY KEY (batch_id)
);
CREATE INDEX host_snapshot_emitter_id_kind_observed_at_idx ON public.host_snapshot USING btree (emitter_id, kind, observed_at);

CREATE TABLE interface_snapshot (
  batch_id bigint NOT NULL,
  emitter_id integer NOT NULL,
  observed_at timestamp(6) with time zone,
  interfaces jsonb NOT NULL,
  CONSTRAINT interface_snapshot_pkey PRIMARY KEY (batch_id)
);
CREATE INDEX interface_snapshot_emitter_id_idx ON public.interface_snapshot USING btree (emitter_id);

CREATE TABLE ipset_content (
  hash text NOT NULL,
  sets jsonb NOT NULL,
  CONSTRAINT ipset_content_pkey PRIMARY KEY (hash)
);

CREATE TABLE ipset_snapshot (
  observed_at timestamp(6) with time zone NOT NULL,
  emitter_id integer NOT NULL,
  batch_id bigint NOT NULL,
  content_hash text NOT NULL,
  CONSTRAINT ipset_snapshot_pkey PRIMARY KEY (observed_at, emitter_id, batch_id)
);
CREATE INDEX ipset_snapshot_emitter_id_observed_at_idx ON public.ipset_snapshot USING btree (emitter_id, observed_at);

CREATE TABLE metric_sample (
  observed_at timestamp(6) with time zone NOT NULL,
  batch_id bigint NOT NULL,
  ordinal integer NOT NULL,
  emitter_id integer NOT NULL,
  name text NOT NULL,
  type text NOT NULL,
  labels jsonb NOT NULL,
  value double precision NOT NULL,
  line integer NOT NULL,
  CONSTRAINT metric_sample_pkey PRIMARY KEY (observed_at, batch_id, ordinal)
) PARTITION BY RANGE (observed_at);
CREATE INDEX metric_sample_emitter_id_name_observed_at_idx ON public.metric_sample USING btree (emitter_id, name, observed_at);

CREATE TABLE metric_sample_default PARTITION OF metric_sample DEFAULT;

CREATE TABLE metric_total (
  name text NOT NULL,
  key text NOT NULL,
  labels text[],
  value bigint NOT NULL,
  last bigint NOT NULL,
  shown text,
  updated_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  CONSTRAINT metric_total_pkey PRIMARY KEY (name, key)
);

CREATE TABLE notice (
  batch_id bigint NOT NULL,
  line integer NOT NULL,
  emitter_id integer NOT NULL,
  observed_at timestamp(6) with time zone NOT NULL,
  notice text NOT NULL,
  raw text NOT NULL,
  CONSTRAINT notice_pkey PRIMARY KEY (batch_id, line)
);
CREATE INDEX notice_emitter_id_observed_at_idx ON public.notice USING btree (emitter_id, observed_at);

CREATE TABLE object_version (
  id bigint DEFAULT nextval('object_version_id_seq'::regclass) NOT NULL,
  cluster_id integer NOT NULL,
  api_group text NOT NULL,
  kind text NOT NULL,
  namespace text NOT NULL,
  name text NOT NULL,
  uid text,
  resource_version text,
  change text NOT NULL,
  created_at timestamp(6) with time zone,
  at timestamp(6) with time zone NOT NULL,
  valid_from timestamp(6) with time zone NOT NULL,
  valid_to timestamp(6) with time zone,
  content_hash text NOT NULL,
  object jsonb NOT NULL,
  batch_id bigint NOT NULL,
  CONSTRAINT object_version_pkey PRIMARY KEY (id)
);
CREATE INDEX object_version_batch_id_idx ON public.object_version USING btree (batch_id);
CREATE INDEX object_version_cluster_id_valid_from_valid_to_idx ON public.object_version USING btree (cluster_id, valid_from, valid_to);
CREATE UNIQUE INDEX object_version_natural_key ON public.object_version USING btree (cluster_id, api_group, kind, namespace, name, at, change, content_hash);

CREATE TABLE packet_log (
  observed_at timestamp(6) with time zone NOT NULL,
  batch_id bigint NOT NULL,
  line integer NOT NULL,
  emitter_id integer NOT NULL,
  channel text NOT NULL,
  prefix text NOT NULL,
  nflog_group integer,
  hook text,
  in_interface text,
  out_interface text,
  physical_in text,
  physical_out text,
  protocol smallint NOT NULL,
  source inet NOT NULL,
  destination inet NOT NULL,
  source_port integer,
  destination_port integer,
  icmp_type smallint,
  icmp_code smallint,
  icmp_id integer,
  tcp_flags text,
  tcp_sequence bigint,
  length integer,
  mark bigint,
  hits jsonb,
  original_key bigint NOT NULL,
  CONSTRAINT packet_log_pkey PRIMARY KEY (observed_at, batch_id, line)
) PARTITION BY RANGE (observed_at);
CREATE INDEX packet_log_original_key_observed_at_idx ON public.packet_log USING btree (original_key, observed_at);

CREATE TABLE packet_log_default PARTITION OF packet_log DEFAULT;

CREATE TABLE raw_batch (
  id bigint DEFAULT nextval('raw_batch_id_seq'::regclass) NOT NULL,
  emitter_id integer NOT NULL,
  stream text NOT NULL,
  epoch bigint NOT NULL,
  sequence bigint NOT NULL,
  format text NOT NULL,
  observed_from timestamp(6) with time zone,
  observed_to timestamp(6) with time zone,
  first_line integer NOT NULL,
  attributes jsonb NOT NULL,
  payload bytea STORAGE EXTERNAL NOT NULL,
  payload_bytes integer NOT NULL,
  sha256 bytea NOT NULL,
  received_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  attempts integer DEFAULT 0 NOT NULL,
  finished_at timestamp(6) with time zone,
  base bigint,
  CONSTRAINT raw_batch_pkey PRIMARY KEY (id),
  CONSTRAINT raw_batch_emitter_id_fkey FOREIGN KEY (emitter_id) REFERENCES emitter(id) ON UPDATE CASCADE ON DELETE RESTRICT
);
CREATE INDEX raw_batch_base_idx ON public.raw_batch USING btree (emitter_id, stream, epoch, base) WHERE (base IS NOT NULL);
CREATE UNIQUE INDEX raw_batch_emitter_id_stream_epoch_sequence_key ON public.raw_batch USING btree (emitter_id, stream, epoch, sequence);
CREATE INDEX raw_batch_open_idx ON public.raw_batch USING btree (id) WHERE (finished_at IS NULL);
CREATE INDEX raw_batch_open_received_idx ON public.raw_batch USING btree (received_at) WHERE (finished_at IS NULL);

CREATE TABLE receiver (
  id integer DEFAULT nextval('receiver_id_seq'::regclass) NOT NULL,
  name text NOT NULL,
  kind text NOT NULL,
  settings jsonb NOT NULL,
  secrets bytea,
  secret_key_id text,
  enabled boolean DEFAULT true NOT NULL,
  disabled_reason text,
  send_resolved boolean DEFAULT true NOT NULL,
  failures integer DEFAULT 0 NOT NULL,
  paused_until timestamp(6) with time zone,
  created_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  updated_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  CONSTRAINT receiver_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX receiver_name_key ON public.receiver USING btree (name);

CREATE TABLE reconciliation_due (
  id bigint DEFAULT nextval('reconciliation_due_id_seq'::regclass) NOT NULL,
  emitter_id integer NOT NULL,
  cluster_id integer NOT NULL,
  from_time timestamp(6) with time zone NOT NULL,
  CONSTRAINT reconciliation_due_pkey PRIMARY KEY (id)
);

CREATE TABLE reconciliation_finding (
  id text NOT NULL,
  cluster_id integer NOT NULL,
  emitter_id integer NOT NULL,
  family text NOT NULL,
  backend text NOT NULL,
  kind text NOT NULL,
  severity text NOT NULL,
  namespace text,
  workload text,
  direction text,
  subject text,
  policies text[],
  sentence text NOT NULL,
  detail jsonb NOT NULL,
  first_seen_at timestamp(6) with time zone NOT NULL,
  last_seen_at timestamp(6) with time zone NOT NULL,
  opened_at timestamp(6) with time zone,
  resolved_at timestamp(6) with time zone,
  CONSTRAINT reconciliation_finding_pkey PRIMARY KEY (id)
);
CREATE INDEX reconciliation_finding_emitter_id_first_seen_at_idx ON public.reconciliation_finding USING btree (emitter_id, first_seen_at);
CREATE INDEX reconciliation_finding_open_idx ON public.reconciliation_finding USING btree (cluster_id, opened_at) WHERE (resolved_at IS NULL);

CREATE TABLE reject (
  batch_id bigint NOT NULL,
  ordinal integer NOT NULL,
  line integer NOT NULL,
  reason text NOT NULL,
  detail text NOT NULL,
  raw text NOT NULL,
  received_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  CONSTRAINT reject_pkey PRIMARY KEY (batch_id, ordinal),
  CONSTRAINT reject_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES raw_batch(id) ON UPDATE CASCADE ON DELETE RESTRICT
);
CREATE INDEX reject_received_at_idx ON public.reject USING btree (received_at);

CREATE TABLE rollup_kept (
  level text NOT NULL,
  kept_from timestamp(6) with time zone NOT NULL,
  CONSTRAINT rollup_kept_pkey PRIMARY KEY (level)
);

CREATE TABLE ruleset (
  hash text NOT NULL,
  tables jsonb NOT NULL,
  CONSTRAINT ruleset_pkey PRIMARY KEY (hash)
);

CREATE TABLE ruleset_snapshot (
  observed_at timestamp(6) with time zone NOT NULL,
  emitter_id integer NOT NULL,
  family text NOT NULL,
  backend text NOT NULL,
  batch_id bigint NOT NULL,
  ruleset_hash text NOT NULL,
  other_backend_present boolean NOT NULL,
  counters bigint[],
  CONSTRAINT ruleset_snapshot_pkey PRIMARY KEY (observed_at, emitter_id, family, backend, batch_id)
) PARTITION BY RANGE (observed_at);
CREATE INDEX ruleset_snapshot_emitter_id_observed_at_idx ON public.ruleset_snapshot USING btree (emitter_id, observed_at);

CREATE TABLE ruleset_snapshot_default PARTITION OF ruleset_snapshot DEFAULT;

CREATE TABLE seen_day (
  cluster_id integer NOT NULL,
  node text NOT NULL,
  day date NOT NULL,
  minutes bit(1440) NOT NULL,
  CONSTRAINT seen_day_pkey PRIMARY KEY (cluster_id, node, day)
);

CREATE TABLE silence (
  id text NOT NULL,
  matchers jsonb NOT NULL,
  author text NOT NULL,
  comment text NOT NULL,
  starts_at timestamp(6) with time zone NOT NULL,
  ends_at timestamp(6) with time zone NOT NULL,
  created_at timestamp(6) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
  CONSTRAINT silence_pkey PRIMARY KEY (id)
);
CREATE INDEX silence_ends_at_idx ON public.silence USING btree (ends_at);

CREATE TABLE slice_day (
  bucket timestamp(6) with time zone NOT NULL,
  group_id text NOT NULL,
  cluster_id integer NOT NULL,
  drops bigint NOT NULL,
  attempts bigint NOT NULL,
  packets bigint NOT NULL,
  counted bigint NOT NULL,
  CONSTRAINT slice_day_pkey PRIMARY KEY (bucket, group_id)
) PARTITION BY RANGE (bucket);
CREATE INDEX slice_day_group_id_bucket_idx ON public.slice_day USING btree (group_id, bucket);

CREATE TABLE slice_day_default PARTITION OF slice_day DEFAULT;

CREATE TABLE slice_hour (
  bucket timestamp(6) with time zone NOT NULL,
  group_id text NOT NULL,
  cluster_id integer NOT NULL,
  drops bigint NOT NULL,
  attempts bigint NOT NULL,
  packets bigint NOT NULL,
  counted bigint NOT NULL,
  CONSTRAINT slice_hour_pkey PRIMARY KEY (bucket, group_id)
) PARTITION BY RANGE (bucket);
CREATE INDEX slice_hour_group_id_bucket_idx ON public.slice_hour USING btree (group_id, bucket);

CREATE TABLE slice_hour_default PARTITION OF slice_hour DEFAULT;

CREATE TABLE slice_minute (
  bucket timestamp(6) with time zone NOT NULL,
  group_id text NOT NULL,
  cluster_id integer NOT NULL,
  drops bigint NOT NULL,
  attempts bigint NOT NULL,
  packets bigint NOT NULL,
  counted bigint NOT NULL,
  CONSTRAINT slice_minute_pkey PRIMARY KEY (bucket, group_id)
) PARTITION BY RANGE (bucket);
CREATE INDEX slice_minute_group_id_bucket_idx ON public.slice_minute USING btree (group_id, bucket);

CREATE TABLE slice_minute_default PARTITION OF slice_minute DEFAULT;
