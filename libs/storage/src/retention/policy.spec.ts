import { DEFAULT_RETENTION, parseRetention } from './policy.js';

it('keeps what the documentation says when nothing is set', () => {
  expect(parseRetention({ WHYDROP_RETENTION_RAW: '' })).toEqual(DEFAULT_RETENTION);
});

it.each([
  ['14', 14],
  ['14d', 14],
])('reads %s', (text, days) => {
  expect(parseRetention({ WHYDROP_RETENTION_MINUTE: text })).toEqual({ ...DEFAULT_RETENTION, minute: days });
});

it.each([
  ['WHYDROP_RETENTION_HOUR', '2w', 'WHYDROP_RETENTION_HOUR: "2w" is no number of days such as 14d'],
  ['WHYDROP_RETENTION_DAY', '0', 'WHYDROP_RETENTION_DAY: "0" is no number of days such as 14d'],
  ['WHYDROP_RETENTION_BATCHES', '3', 'WHYDROP_RETENTION_BATCHES must not be less than WHYDROP_RETENTION_RAW'],
])('refuses %s=%s', (name, text, message) => {
  expect(() => parseRetention({ [name]: text })).toThrow(message);
});
