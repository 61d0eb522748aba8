import type { IpsetSnapshot, PacketObservation, RulesetSnapshot } from '@whydrop/model';
import { type LogRule, type PathStop, type WalkOutcome, walkPacket } from '@whydrop/ruleset';

/** The whole way, so that marks are known; nat is left out, the logged tuple is the one behind it. */
const PATHS: Readonly<Record<string, readonly PathStop[]>> = {
  PREROUTING: ['raw:PREROUTING', 'mangle:PREROUTING'],
  INPUT: ['raw:PREROUTING', 'mangle:PREROUTING', 'mangle:INPUT', 'filter:INPUT'],
  FORWARD: ['raw:PREROUTING', 'mangle:PREROUTING', 'mangle:FORWARD', 'filter:FORWARD'],
  OUTPUT: ['raw:OUTPUT', 'mangle:OUTPUT', 'filter:OUTPUT'],
  POSTROUTING: ['mangle:POSTROUTING'],
};

function hookOf({ hook, inInterface, outInterface }: PacketObservation): string {
  if (hook) return hook;
  if (outInterface === undefined) return 'INPUT';
  return inInterface === undefined ? 'OUTPUT' : 'FORWARD';
}

function passes({ path }: WalkOutcome, logs: readonly LogRule[]): boolean {
  return path.some((step) =>
    logs.some(
      (log) =>
        log.table === step.table &&
        log.chain === step.chain &&
        log.rule.position === step.position &&
        step.matched !== 'no',
    ),
  );
}

/**
 * What became of a logged packet, by running it through the ruleset: the ends of all ways that pass a rule with its prefix.
 * Needed where the end does not stand behind the log rule in its own chain, or several rules share the prefix.
 */
export function endingsOfLogged(
  snapshot: RulesetSnapshot,
  ipsets: IpsetSnapshot | undefined,
  packet: PacketObservation,
  logs: readonly LogRule[],
  localAddresses: readonly string[] | undefined,
): readonly WalkOutcome[] {
  const { outcomes } = walkPacket({
    ruleset: snapshot,
    ipsets,
    ...(localAddresses ? { localAddresses } : {}),
    path: PATHS[hookOf(packet)] ?? [],
    packet: {
      tuple: packet.tuple,
      inInterface: packet.inInterface ?? null,
      outInterface: packet.outInterface ?? null,
      physicalIn: packet.physicalIn ?? null,
      physicalOut: packet.physicalOut ?? null,
      tcpFlags: packet.tcpFlags,
      ...(packet.tcpFlags.includes('SYN') && !packet.tcpFlags.includes('ACK') ? { ctstate: 'NEW' as const } : {}),
      ...(packet.length === undefined ? {} : { length: packet.length }),
    },
  });
  return outcomes.filter((outcome) => passes(outcome, logs));
}
