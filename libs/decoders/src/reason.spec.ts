import { CAUSES } from '@whydrop/model';
import { CONTRAIL_REASONS } from './contrail-flow/reason.js';
import { meaningOfReason } from './reason.js';

it('knows every reason of the vRouter', () => {
  // 0x01 to 0x22, without 0x00 (Unknown).
  expect(CONTRAIL_REASONS).toHaveLength(0x22);
  for (const reason of CONTRAIL_REASONS) {
    const meaning = meaningOfReason('contrail', reason);
    expect([reason, meaning?.meaning.length]).toEqual([reason, expect.any(Number)]);
    if (meaning?.cause !== undefined) expect(CAUSES).toHaveProperty(meaning.cause);
  }
});

it.each([
  ['contrail', 'FwPolicy', undefined],
  ['contrail', 'Flow drop OUT Firewall Policy', undefined],
  ['contrail', 'NoSrcRtRpfNh', 'RP_FILTER'],
  ['contrail', 'Short flow No mirror entry ', undefined],
  ['contrail', 'Flow drop REVERSE SG', 'OTHER_FIREWALL'],
  ['contrail', 'FlowLim', 'RATE_OR_CONN_LIMIT'],
  ['cilium', 'POLICY_DENIED', undefined],
  ['cilium', 'SERVICE_BACKEND_NOT_FOUND', 'NO_ENDPOINTS'],
  ['cilium', 'DENIED_BY_LB_SRC_RANGE_CHECK', 'LB_SOURCE_RANGE'],
] as const)('%s: %s means %s', (emitter, reason, cause) => {
  const meaning = meaningOfReason(emitter, reason);
  expect(meaning).toBeDefined();
  expect(meaning?.cause).toBe(cause);
});

it.each([
  ['contrail', 'Unknown'],
  ['contrail', '42'],
  ['cilium', 'constructor'],
  ['gke', 'FwPolicy'],
] as const)('%s: nothing is known of %s', (emitter, reason) => {
  expect(meaningOfReason(emitter, reason)).toBeUndefined();
});
