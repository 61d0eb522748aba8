import type { Help } from './help.js';

const SERVER = [
  ['--url URL', 'the server (WHYDROP_URL); else the one that runs here, else one for this command'],
  ['--token TOKEN', 'a token for it (WHYDROP_TOKEN); not needed for the one that runs here'],
] as const;

const LISTEN = [
  ['--port N', '4270 (PORT); 0 for any free one'],
  ['--host ADDRESS', 'who may connect: 127.0.0.1, or 0.0.0.0 for everybody'],
] as const;

const WHICH = [
  ['--cluster NAME', 'of one cluster'],
  ['--namespace NAME', 'with an end in this namespace'],
  ['--policy NAME', 'decided by this policy: its name, or Kind/namespace/name'],
  ['--cause CODE', 'with this cause: POLICY_DEFAULT_DENY, PORT_CLOSED, … (docs/causes.md)'],
  ['--failed', 'also what failed though no rule stopped it'],
  ['--json', 'one object a line'],
] as const;

const MANIFESTS = [
  ['--at TIME', 'as of then: 2026-11-21T10:00:00Z'],
  ['--skip-invalid', 'go on without manifests that cannot be read'],
] as const;

const READ = [
  ['--cluster NAME', 'the cluster of this node: default'],
  ['--node NAME', 'the name of its Node (NODE_NAME): the host name'],
  ['--read A,B', 'conntrack, iptables, ipset, interfaces, routes, sysctl, conntrack-stats; also nft,'],
  ['', 'kernel, journal, proc-net, contrail-flow; none'],
  ['--interval TIME', 'between two pictures of the rules with their counters: 10s'],
  ['--nflog-groups N,M', 'NFLOG groups, a ulogd2 for each'],
  ['--follow-file STREAM:FORMAT:PATH', 'a log file of a format of docs/decoders.md; several times'],
  ['--scrape URL', 'metrics of a network plugin; several times'],
] as const;

/** One for each command; test/house/help.spec.ts holds their options against what the commands take. */
export const HELP = {
  up: {
    about: 'everything in one process, with embedded defaults',
    usage: ['up [--port N] [--host ADDRESS]'],
    options: [...LISTEN],
    more: [
      'DATABASE_URL and REDIS_URL name servers of your own, WHYDROP_DATA the folder of the embedded ones.',
      'Without --port a taken 4270 is replaced by any free port. Ctrl-C stops everything.',
    ],
  },
  demo: {
    about: 'start, import the captured stories, show what was dropped and why, keep serving',
    usage: ['demo [--exit]'],
    options: [['--exit', 'end when everything is shown'], ...LISTEN],
  },
  import: {
    about: 'send a captured bundle through the ingest and show what was found',
    usage: ['import DIR'],
    options: [...SERVER],
    more: ["DIR has a bundle.yaml: 'whydrop capture' writes one. Importing it again changes nothing."],
  },
  drops: {
    about: 'what was dropped or rejected, and why',
    usage: ['drops [--since 1h | --from TIME --to TIME] [--namespace NAME] [--json]'],
    options: [
      ['--since 24h', 'the last 90s, 5m, 1h, 7d; without a time everything that is stored'],
      ['--from TIME, --to TIME', 'between two times: 2026-11-20T14:02:00Z'],
      ...WHICH,
      ...SERVER,
    ],
  },
  trend: {
    about: 'how much was blocked over time',
    usage: ['trend [--since 24h | --from TIME --to TIME] [--step 1h] [--by cause,policy] [--json]'],
    options: [
      ['--since 24h', 'the last 90s, 5m, 1h, 7d; without a time the last 24h'],
      ['--from TIME, --to TIME', 'between two times: 2026-11-20T14:02:00Z'],
      ['--step 1h', 'length of a bucket; rounded up to what is stored, and at most 48 when left out'],
      ['--by A,B', 'a column per cause, policy, namespace, node, source-workload, destination-workload, …'],
      ['--top N', 'so many of them, those with most packets: 5; the rest is other'],
      ...WHICH,
      ...SERVER,
    ],
    more: ['- in the table and null in JSON: nobody was looking then.'],
  },
  tail: {
    about: 'drops as they are explained, until it is stopped',
    usage: ['tail [--since 5m] [--namespace NAME] [--json]'],
    options: [
      ['--since 5m', 'begin with those of the last 90s, 5m, 1h, 7d'],
      ['--count N', 'end after so many'],
      ...WHICH,
      ...SERVER,
    ],
  },
  explain: {
    about: 'one drop in full; or what policies, or a ruleset, would do to a connection',
    usage: [
      'explain ID',
      'explain --from ns/pod --to ns/pod|ns/svc|IP --port N --manifests DIR',
      "explain --ruleset FILE --packet 'in=a out=b src=10.0.0.1 dst=10.0.0.2 proto=tcp dport=80'",
    ],
    options: [
      ['--json', 'as JSON'],
      ...SERVER,
      [
        '--from END, --to END',
        'without a server: a pod or workload ns/name, an address, "node NAME"; to: a service too',
      ],
      ['--port N, --protocol P', 'of the connection: TCP, UDP, SCTP or ICMP; ICMP has no port'],
      [
        '-m, --manifests DIR',
        'Kubernetes and Calico objects (.yaml, .yml, .json); for a ruleset: whose chains they are',
      ],
      ...MANIFESTS,
      ['-v, --verbose', 'name what was passed over'],
      ['-r, --ruleset FILE', 'iptables-save -c, or a listing of iptables -nvL'],
      ['-p, --packet WORDS', 'in= out= src= dst= proto= sport= dport= state= flags= mark= …; several times'],
      ['--ipset FILE', 'ipset save; several times'],
      ['--interfaces FILE', 'ip -j addr: which addresses are the node’s own'],
      ['--all', 'rules that did not match too'],
    ],
    more: ['Exit code 1: no such drop, denied or undecided, or the packet is stopped.'],
  },
  alerts: {
    about: 'what fires, what is silenced, which rules there are',
    usage: [
      'alerts [list] [--all] [--cluster NAME] [--rule NAME] [--policy NAME]',
      'alerts show ID',
      'alerts silence [LABEL=VALUE… --for 2h --comment WHY | --expire ID]',
      'alerts rules [check FILE]',
    ],
    options: [
      ['--all', 'also those that are over'],
      ['--cluster, --rule, --policy', 'alerts of one cluster, rule or policy'],
      ['--for 2h', 'how long a silence lasts: 30m, 2h, 1d'],
      ['--comment WHY', 'of a silence'],
      ['--expire ID', 'end a silence'],
      ['--json', 'one object a line'],
      ...SERVER,
    ],
    more: [
      'A silence is for alerts whose labels match: policy=NetworkPolicy/dev/p, node!=n1, cause=~"CT_.*".',
      "'rules check' needs no server.",
    ],
  },
  check: {
    about: 'evaluate policies offline; a policy unit test with "expect"',
    usage: ['check --manifests DIR --queries FILE.jsonl'],
    options: [
      ['-m, --manifests DIR', 'Kubernetes and Calico objects: .yaml, .yml, .json, any depth'],
      ['-q, --queries FILE', 'one query a line; - for standard input'],
      ...MANIFESTS,
      ['-v, --verbose', 'name what was passed over'],
    ],
    more: [
      'A query: {"id":"1","from":{"pod":"ns/name"},"to":{"service":"ns/name"},"protocol":"TCP","port":80,"expect":"allowed"}',
      'from and to: pod (or workload), ip; to: service. expect: allowed, denied or unknown.',
      'Exit code 1: an expectation is not met. 2: a manifest or query cannot be read; its file and line are named.',
    ],
  },
  capture: {
    about: 'write what this node says of its connections into a folder that import takes',
    usage: ['capture DIR [--for 60s]'],
    options: [['--for TIME', 'how long: 60s; Ctrl-C ends it sooner and keeps what there is'], ...READ],
    more: ['As root; docs/collector.md says which programs it reads with. What is missing is named and left out.'],
  },
  collector: {
    about: 'read this node: conntrack, rules with counters, packet logs; keep it on disk until the server has it',
    usage: [
      'collector --url URL --token TOKEN [--cluster NAME] [--node NAME]',
      'collector --cluster-watch --url URL --token TOKEN [--cluster NAME]',
      'collector --print-ulogd-config [--nflog-groups N,M]',
    ],
    options: [
      ['--url URL', 'the server; needed'],
      ['--token TOKEN', "of the role collector (one node) or ingest (--cluster-watch): 'whydrop token create'"],
      ...READ,
      ['--conntrack-events A,B', 'NEW, UPDATES, DESTROY: all'],
      ['--conntrack-buffer SIZE', 'of the kernel, for events not read yet: 32M'],
      ['--kernel-log FILE', 'where syslog writes the kernel’s messages'],
      ['--observe-new N', 'a rule of our own reports new TCP connections, at most N a second'],
      ['--trace TIME', 'the kernel names every rule that packets meet, for so long'],
      ['--trace-match WORDS', "which packets: --trace-match='-p tcp --dport 80'"],
      ['--cluster-watch', 'watch the objects of the cluster instead of a node; once per cluster'],
      ['--kubeconfig FILE', 'for that; else the service account of the pod, KUBECONFIG, ~/.kube/config'],
      ['--spool DIR', 'where it lies until the server has it: below WHYDROP_DATA'],
      ['--spool-size SIZE', 'at most: 256M'],
      ['--flush-ms N', 'on the disk within this time: 150'],
      ['--in-flight N', 'batches on their way at once: 4'],
      ['--status HOST:PORT', '/healthz, /readyz, /metrics: none'],
      ['--print-ulogd-config', 'how to set up a ulogd2 of your own'],
    ],
    more: ['Every option is also a variable: --spool-size is WHYDROP_SPOOL_SIZE. More in docs/collector.md.'],
  },
  token: {
    about: 'who may send and who may read',
    usage: [
      'token create --name NAME --role ROLE [--namespace A,B] [--cluster NAME --node NAME] [--expires 90d]',
      'token list [--json]',
      'token revoke ID',
    ],
    options: [
      ['--name NAME', 'whose it is; shown in lists and in the audit log'],
      ['--role ROLE', 'collector: sends for one node (needs --cluster and --node); ingest: sends for any;'],
      ['', 'viewer: reads; operator: reads, changes alert rules, silences, receivers; admin: everything'],
      ['--namespace A,B', 'a viewer or operator sees only drops with an end in these namespaces'],
      ['--cluster NAME', 'of these namespaces, or of a collector’s node'],
      ['--node NAME', 'the only node that a collector may send for'],
      ['--expires TIME', 'after 30m, 12h, 90d, or at 2027-01-31T00:00:00Z; without it never'],
      ['--json', 'one object a line'],
    ],
    more: ['It talks to the database: that of DATABASE_URL, else of the server that runs here.'],
  },
} as const satisfies Readonly<Record<string, Help>>;
