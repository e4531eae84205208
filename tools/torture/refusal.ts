/**
 * Simulates disk failures without root rights. A seccomp filter (Linux 3.5 or newer) refuses some system calls of one
 * program. Perl, which Debian always has, installs the filter and executes the program.
 */
import * as os from "node:os"
import { NotHere } from "./harness.ts"

/** If `argument` is set, only calls with a matching argument are refused. */
interface Rule {
  readonly call: string
  /** `any of`: the argument at `index` has at least one bit of `value`. `at least`: the argument is `value` or more. */
  readonly argument?: { readonly index: number; readonly is: "any of" | "at least"; readonly value: number }
}

/** Error numbers of Linux on x64 and arm64. */
const errors = { EIO: 5, ENOSPC: 28, EROFS: 30 } as const

interface Architecture {
  readonly audit: number
  readonly prctl: number
  readonly calls: Readonly<Record<string, number>>
}

/**
 * `audit` is the number of the architecture, from linux/audit.h. The other numbers are system calls, from
 * asm/unistd_64.h and asm-generic/unistd.h.
 */
const architectures: Readonly<Record<string, Architecture>> = {
  x64: {
    audit: 0xc000003e,
    prctl: 157,
    calls: { pwrite64: 18, access: 21, fsync: 74, fdatasync: 75, openat: 257, faccessat: 269 }
  },
  arm64: { audit: 0xc00000b7, prctl: 167, calls: { faccessat: 48, openat: 56, pwrite64: 68, fsync: 82, fdatasync: 83 } }
}

/** Refuses writes of two or more bytes. SQLite extends its shared-memory file with writes of one byte. */
const write: Rule = { call: "pwrite64", argument: { index: 2, is: "at least", value: 2 } }

/** Refuses calls of `openat` with the flag `O_WRONLY` or `O_RDWR`. */
const openToWrite: Rule = { call: "openat", argument: { index: 2, is: "any of", value: 3 } }
/** Refuses calls of `access` and `faccessat` with the mode `W_OK`. */
const mayWrite: ReadonlyArray<Rule> = [
  { call: "access", argument: { index: 1, is: "any of", value: 2 } },
  { call: "faccessat", argument: { index: 2, is: "any of", value: 2 } }
]

const syncs: ReadonlyArray<Rule> = [{ call: "fsync" }, { call: "fdatasync" }]

export const troubles = {
  "a full disk": { error: "ENOSPC", rules: [write] },
  "a disk that fails to write": { error: "EIO", rules: [write] },
  "a disk that fails to sync": { error: "EIO", rules: syncs },
  "a read-only file system": { error: "EROFS", rules: [openToWrite, ...mayWrite] }
} as const satisfies Readonly<Record<string, { error: keyof typeof errors; rules: ReadonlyArray<Rule> }>>

/**
 * The first five numbers are codes of filter instructions, from linux/bpf_common.h. `allow` and `refuse` are results of
 * the filter, from linux/seccomp.h.
 */
const load = 0x20
const jumpIfEqual = 0x15
const jumpIfAtLeast = 0x35
const jumpIfAnyOf = 0x45
const answer = 0x06
const allow = 0x7fff0000
const refuse = 0x00050000

/** Offsets in `struct seccomp_data`. On x64 and arm64, the lower half of a 64-bit argument comes first. */
const numberAt = 0
const architectureAt = 4
const argumentAt = (index: number): number => 16 + 8 * index

const instruction = (code: number, value: number, ifTrue = 0, ifFalse = 0): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt16LE(code, 0)
  bytes.writeUInt8(ifTrue, 2)
  bytes.writeUInt8(ifFalse, 3)
  bytes.writeUInt32LE(value, 4)
  return bytes
}

const ruleOf = (number: number, { argument }: Rule, error: number): ReadonlyArray<Buffer> => {
  const end = instruction(answer, refuse | error)
  if (argument === undefined) return [instruction(load, numberAt), instruction(jumpIfEqual, number, 0, 1), end]
  const compare = argument.is === "any of" ? jumpIfAnyOf : jumpIfAtLeast
  return [
    instruction(load, numberAt),
    instruction(jumpIfEqual, number, 0, 3),
    instruction(load, argumentAt(argument.index)),
    instruction(compare, argument.value, 0, 1),
    end
  ]
}

const filterOf = ({ audit, calls }: Architecture, rules: ReadonlyArray<Rule>, error: number): Buffer =>
  Buffer.concat([
    instruction(load, architectureAt),
    instruction(jumpIfEqual, audit, 1, 0),
    instruction(answer, allow),
    // arm64 has no system call `access`.
    ...rules.flatMap((rule) => (calls[rule.call] === undefined ? [] : ruleOf(calls[rule.call] ?? 0, rule, error))),
    instruction(answer, allow)
  ])

/** Numbers in the script: 38 is `PR_SET_NO_NEW_PRIVS`, 22 is `PR_SET_SECCOMP`, and 2 is `SECCOMP_MODE_FILTER`. */
const perl = `
my ($prctl, $hex, @command) = @ARGV;
my $filter = pack("H*", $hex);
my $program = pack("S x6 P", length($filter) / 8, $filter);
syscall($prctl, 38, 1, 0, 0, 0) == 0 && syscall($prctl, 22, 2, $program) == 0 or die "seccomp: $!\\n";
exec { $command[0] } @command or die "exec: $!\\n";`

/** Returns a command prefix. A program after this prefix runs with the failure `title`. */
export const throughTrouble = (title: keyof typeof troubles): ReadonlyArray<string> => {
  const architecture = architectures[os.arch()]
  if (os.platform() !== "linux" || architecture === undefined) {
    throw new NotHere(`this case needs Linux on ${Object.keys(architectures).join(" or ")}`)
  }
  const { error, rules } = troubles[title]
  const filter = filterOf(architecture, rules, errors[error]).toString("hex")
  return ["perl", "-e", perl, String(architecture.prctl), filter]
}
