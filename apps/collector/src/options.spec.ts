import { bytesOf, durationOf, OptionError, parseOptions } from './options.js';

const URL = ['--url', 'http://x'];

describe('the options', () => {
  it.each([
    ['--url is needed', []],
    ['--url', ['--url', 'ftp://x']],
    ['--spool-size 0', [...URL, '--spool-size', '0']],
    ['--spool-size lots', [...URL, '--spool-size', 'lots']],
    ['--interval soon', [...URL, '--interval', 'soon']],
    ['--read cpu', [...URL, '--read', 'conntrack,cpu']],
    ['--nflog-groups 70000', [...URL, '--nflog-groups', '1,70000']],
    ['--follow-file x', [...URL, '--follow-file', 'x']],
    ['--conntrack-events', [...URL, '--conntrack-events', 'NEW,OLD']],
    ['--status', [...URL, '--status', 'here']],
    ['--in-flight 0', [...URL, '--in-flight', '0']],
  ])('name what is wrong: %s', (message, args) => {
    expect(() => parseOptions(args, {})).toThrow(OptionError);
    expect(() => parseOptions(args, {})).toThrow(message.split(' ')[0]);
  });

  it('come from the environment too; the command line goes first', () => {
    const environment = {
      WHYDROP_URL: 'http://a',
      WHYDROP_SPOOL_SIZE: '1G',
      NODE_NAME: 'n7',
      WHYDROP_NFLOG_GROUPS: '1,2',
    };
    expect(parseOptions(['--spool-size', '64k'], environment)).toMatchObject({
      ...{ url: 'http://a', node: 'n7', spoolBytes: 65_536, nflogGroups: [1, 2] },
    });
  });

  it.each([
    [true, ['1', 'true', 'TRUE', 'yes', 'on', ' true ']],
    [false, ['0', 'false', 'no', 'off', '']],
  ])('a switch of the environment is %s by each of its words', (watching, words) => {
    for (const word of words) {
      const options = parseOptions(URL, { WHYDROP_CLUSTER_WATCH: word });
      expect([word, options.clusterWatch]).toEqual([word, watching]);
    }
  });

  it('a switch that is neither on nor off is refused: nobody gets a node read instead of a cluster watched', () => {
    const nonsense = () => parseOptions(URL, { WHYDROP_CLUSTER_WATCH: 'cluster-a' });
    expect(nonsense).toThrow(OptionError);
    expect(nonsense).toThrow('WHYDROP_CLUSTER_WATCH=cluster-a');
  });

  it('reads sizes and times', () => {
    expect([bytesOf('x', '256M'), bytesOf('x', '1GiB'), bytesOf('x', '12')]).toEqual([2 ** 28, 2 ** 30, 12]);
    expect([durationOf('x', '10s'), durationOf('x', '500ms'), durationOf('x', '2m'), durationOf('x', '3')]).toEqual([
      10_000, 500, 120_000, 3_000,
    ]);
  });
});
