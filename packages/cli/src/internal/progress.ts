/**
 * Shows the progress of many logins. At a terminal, one line is redrawn. Otherwise, a line is printed each time a login
 * ends.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import process from "node:process"
import { say } from "./output.ts"
import { type Outcome, textOf } from "./summary.ts"

export interface Progress {
  readonly begin: (name: string) => Effect.Effect<void>
  readonly end: (outcome: Outcome) => Effect.Effect<void>
  /** Hides the line while `effect` runs, because `effect` may start a program that uses the terminal. */
  readonly hidden: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export interface State {
  readonly total: number
  readonly counts: Readonly<Record<Outcome["state"], number>>
  /** Names of the accounts that are logging in. */
  readonly current: ReadonlyArray<string>
  /** Number of times that the line was drawn. */
  readonly turn: number
}

const spinner = "|/-\\"

const colors = { in: "32", person: "33", failed: "31" } as const

const labels = {
  wide: { in: "in", person: "for a person", failed: "failed" },
  narrow: { in: "in", person: "person", failed: "failed" }
} as const

/** Minimum number of columns for the bar and the long labels. */
const wide = 60

const barWidth = 12

type Part = readonly [text: string, color?: string]

const shortened = (text: string, room: number): string =>
  text.length <= room ? text : room < 4 ? "" : `${text.slice(0, room - 3)}...`

/** Free columns after the line: two for the `^C` of Ctrl-C, and one to prevent a wrap. */
const margin = 3

export const lineOf = (
  { counts, current, total, turn }: State,
  { columns, isColored }: { readonly columns: number; readonly isColored: boolean }
): string => {
  const isWide = columns >= wide
  const done = counts.in + counts.person + counts.failed
  const filled = Math.floor((done / total) * barWidth)
  const bar = isWide ? `[${"#".repeat(filled)}${"-".repeat(barWidth - filled)}] ` : ""
  const label = labels[isWide ? "wide" : "narrow"]
  const parts: Array<Part> = [[`${done === total ? " " : spinner[turn % spinner.length]} ${bar}${done}/${total}:`]]
  for (const state of ["in", "person", "failed"] as const) {
    if (counts[state] > 0) parts.push([` ${counts[state]} ${label[state]}`, colors[state]])
  }
  let room = columns - margin - parts.reduce((sum, [text]) => sum + text.length, 0)
  const names = shortened(current.join(", "), room - 2)
  if (names !== "") parts.push([`  ${names}`])
  room = columns - margin
  return parts
    .map(([text, color]) => {
      const visible = text.slice(0, Math.max(0, room))
      room -= visible.length
      return isColored && color !== undefined ? `\u001b[${color}m${visible}\u001b[0m` : visible
    })
    .join("")
}

/** A terminal of the type `dumb` does not understand control sequences. */
const drawings = {
  ansi: { show: (line: string) => `\r${line}\u001b[K`, hide: "\u001b[?25l", restore: "\u001b[?25h" },
  dumb: { show: (line: string, last: number) => `\r${line.padEnd(last)}`, hide: "", restore: "" }
} as const

const interval = "250 millis"

const plain: Progress = {
  begin: () => Effect.void,
  end: (outcome) => say(`${outcome.name}: ${textOf(outcome)}`),
  hidden: (effect) => effect
}

const write = (text: string): Effect.Effect<void> => Effect.sync(() => void process.stderr.write(text))

const drawn = Effect.fnUntraced(function* (total: number): Effect.fn.Return<Progress, never, Scope.Scope> {
  const term = Option.getOrUndefined(yield* Effect.option(Config.NonEmptyString("TERM")))
  const noColor = Option.isSome(yield* Effect.option(Config.NonEmptyString("NO_COLOR")))
  const drawing = drawings[term === "dumb" ? "dumb" : "ansi"]
  const isColored = term !== "dumb" && !noColor
  const counts = { in: 0, person: 0, failed: 0 }
  const current: Array<string> = []
  let turn = 0
  let hiding = 0
  let last = 0

  const draw = Effect.suspend(() => {
    if (hiding > 0) return Effect.void
    turn += 1
    const columns = Math.max(24, process.stderr.columns || 80)
    const line = lineOf({ total, counts, current, turn }, { columns, isColored })
    const text = drawing.show(line, last)
    last = line.length
    return write(text)
  })
  const erase = Effect.suspend(() => write(`${drawing.show("", last)}\r${drawing.restore}`))

  // When the scope closes, also after Ctrl-C, the line is drawn once more. Later output begins below it.
  yield* Effect.acquireRelease(write(drawing.hide), () => Effect.andThen(draw, write(`\n${drawing.restore}`)))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(interval), draw)))
  yield* draw
  return {
    begin: (name) =>
      Effect.andThen(
        Effect.sync(() => void current.push(name)),
        draw
      ),
    end: ({ name, state }) =>
      Effect.suspend(() => {
        counts[state] += 1
        current.splice(current.indexOf(name), 1)
        return draw
      }),
    hidden: (effect) =>
      Effect.acquireUseRelease(
        Effect.suspend(() => {
          hiding += 1
          return erase
        }),
        () => effect,
        () =>
          Effect.suspend(() => {
            hiding -= 1
            return Effect.andThen(write(drawing.hide), draw)
          })
      )
  }
})

export const open = (total: number): Effect.Effect<Progress, never, Scope.Scope> =>
  Effect.suspend(() => (process.stderr.isTTY ? drawn(total) : Effect.succeed(plain)))
