import * as Duration from "effect/Duration"

const units = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1]
] as const

const counted = (count: number, unit: string): string => (count === 1 ? `1 ${unit}` : `${count} ${unit}s`)

/**
 * Formats a duration. The rounded duration decides the units:
 *
 * - Less than one second: milliseconds, at least `1 millisecond`. Only zero is `0 seconds`.
 * - Less than two minutes: seconds, such as `90 seconds`.
 * - From two minutes: the one or two largest units, such as `4 minutes`, `1 hour 5 minutes` or `9 days`.
 */
export const timeText = (input: Duration.Input): string => {
  const millis = Math.abs(Duration.toMillis(Duration.fromInputUnsafe(input)))
  if (!Number.isFinite(millis)) return "an unlimited time"
  if (millis > 0 && millis < 999.5) return counted(Math.max(1, Math.round(millis)), "millisecond")
  const seconds = Math.round(millis / 1000)
  if (seconds < 120) return counted(seconds, "second")
  const first = units.findIndex(([, size]) => seconds >= size)
  const [large, small] = [units[first] ?? units[3], units[first + 1] ?? units[3]]
  // The duration is first rounded to the smaller unit, so that the result is never `23 hours 60 minutes`.
  const rounded = Math.round(seconds / small[1]) * small[1]
  if (rounded >= (units[first - 1]?.[1] ?? Infinity)) return counted(1, units[first - 1]?.[0] ?? large[0])
  const count = Math.floor(rounded / large[1])
  const rest = Math.round((rounded - count * large[1]) / small[1])
  return rest === 0 ? counted(count, large[0]) : `${counted(count, large[0])} ${counted(rest, small[0])}`
}
