/** Compares the clock of this machine with the date of the broker's answer. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { type Finding, fine, problem } from "./finding.ts"

/**
 * Half of a TOTP period, in milliseconds. If the clocks differ by more, this machine and the broker are in different
 * TOTP periods most of the time.
 */
const maxSkew = 15_000

/** When the answer was sent, by the broker's clock, in milliseconds since the epoch. */
const answeredAt = ({ age, date }: Readonly<Record<string, string | undefined>>): number | undefined => {
  const made = date === undefined ? undefined : Option.getOrUndefined(DateTime.make(date))
  if (made === undefined) return undefined
  // `date` has a resolution of one second, so half a second is added. If the answer comes from a cache, `age` is the
  // number of seconds since `date`.
  return DateTime.toEpochMillis(made) + 500 + (/^\d+$/.test(age ?? "") ? Number(age) * 1000 : 0)
}

const spanText = (seconds: number): string =>
  seconds < 120
    ? `${seconds} s`
    : seconds < 7200
      ? `${Math.round(seconds / 60)} min`
      : `${Math.round(seconds / 3600)} h`

/** `before`: when the request was sent. `after`: when the answer arrived. Both by the clock of this machine. */
export const clockFinding = (
  headers: Readonly<Record<string, string | undefined>>,
  { after, before }: { readonly before: number; readonly after: number }
): Finding => {
  const at = answeredAt(headers)
  if (at === undefined) return fine("clock", "not checked: the answer has no date to compare with")
  const skew = (before + after) / 2 - at
  return Math.abs(skew) <= maxSkew + (after - before) / 2
    ? fine("clock", "this machine's clock agrees with the broker's")
    : problem(
        "clock",
        ["wrong-clock", "person"],
        `this machine's clock is ${spanText(Math.round(Math.abs(skew) / 1000))} ${skew > 0 ? "ahead of" : "behind"} the broker's, so TOTP codes may be refused`,
        "Set the clock of this machine by NTP: timedatectl set-ntp true on Linux, sntp -sS time.apple.com on macOS, w32tm /resync on Windows."
      )
}
