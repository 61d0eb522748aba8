import { runTool, whereIs } from './child.js';

/**
 * `conntrack -b` of conntrack-tools 1.4.7 sets the size of a socket that no events come by; the one they come by keeps the
 * system's 208 KiB, which a flood fills while the tool waits once for the processor. So it is set from outside, as is what a
 * pipe holds. Perl is on every Debian, and has the calls that Node has not: pidfd_open 434, pidfd_getfd 438 (Linux 5.6),
 * SO_RCVBUF 8, SO_RCVBUFFORCE 33, F_SETPIPE_SZ 1031.
 */
const PROGRAM = `
  my ($pid, $bytes, $fifo) = @ARGV;
  if (open(my $pipe, '+<', $fifo)) { fcntl($pipe, 1031, 1 << 20) }
  my $process = syscall(434, $pid + 0, 0);
  my $wide = 0;
  for my $link (glob "/proc/$pid/fd/*") {
    next unless (readlink($link) // '') =~ /^socket:/;
    my ($number) = $link =~ m{(\\d+)$};
    my $own = syscall(438, $process, $number + 0, 0);
    next if $own < 0 || !open(my $socket, '+<&=', $own);
    my $has = unpack('i', getsockopt($socket, 1, 8) // pack('i', 0));
    $wide++ if $has >= $bytes || setsockopt($socket, 1, 33, pack('i', $bytes));
  }
  print $wide;
`;

/**
 * Gives the sockets of a child a receive buffer of so many bytes, and its pipe 1 MiB. Tells of how many sockets that is true:
 * none without Perl, or where one process may not reach into another (Yama, a container without CAP_SYS_PTRACE).
 */
export async function widen(pid: number, bytes: number, fifo: string): Promise<number> {
  if (whereIs('perl') === undefined) return 0;
  const { stdout } = await runTool(['perl', '-e', PROGRAM, String(pid), String(bytes), fifo]);
  return Number(stdout.toString());
}
