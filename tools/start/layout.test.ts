import { assert, describe, it } from "@effect/vitest"
import { TestHttp } from "@auth/broker-core/testing"
import { Simulator, SimulatorClock } from "@auth/simulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { day } from "./day.ts"
import * as Home from "./home.ts"
import * as Layout from "./layout.ts"
import { Stage } from "./stage.ts"

const widths = [40, 60, 80, 120, 200]

const page = (width: number | undefined): Layout.Page => ({ width, style: (_, text) => text })

const piped = page(undefined)

const wordsOf = (text: string): ReadonlyArray<string> =>
  text
    .split(/\s+/)
    .filter((word) => word !== "")
    .toSorted()

const longest = (text: string): number => Math.max(...text.split("\n").map(({ length }) => length))

/** All texts that `npm start` prints, before they are laid out for a page. */
const recorded = Effect.runSync(
  Effect.cached(
    Effect.gen(function* () {
      const texts: Array<Layout.Text> = []
      const keep = (text: Layout.Text) => Effect.sync(() => void texts.push(text))
      const stage = { print: keep, complain: keep, progress: () => Effect.void, close: Effect.void }
      yield* Effect.provideService(day, Stage, stage)
      return texts
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.merge(SimulatorClock.layer, Home.layer).pipe(
          Layer.provideMerge(Layer.merge(Simulator.layer(), TestHttp.layerLateFetch))
        )
      )
    )
  )
)

describe("the output of npm start", () => {
  it.live.each(widths)(
    "fits %d columns without breaking a word",
    (width) =>
      Effect.gen(function* () {
        const texts = yield* recorded
        assert.isAbove(texts.length, 50)
        for (const text of texts.slice(0, -1)) {
          const shown = text(page(width))
          assert.isAtMost(longest(shown), width, shown)
          assert.deepStrictEqual(wordsOf(shown), wordsOf(text(piped)))
        }
        const sessions = texts.at(-1)?.(page(width)) ?? ""
        assert.isAtMost(longest(sessions), width, sessions)
        const shown = new Set(wordsOf(sessions))
        for (const word of ["A123456", "password,", "birthday", "SMS", "(AG8002)", "broker", "revoked"]) {
          assert.isTrue(shown.has(word) || shown.has(`${word};`), `${word}\n${sessions}`)
        }
      }),
    30_000
  )

  it.live(
    "has one line for each step and no control characters if it is piped",
    () =>
      Effect.gen(function* () {
        const text = (yield* recorded).map((one) => one(piped)).join("\n")
        assert.notMatch(text, /(?!\n)\p{Cc}/u)
        assert.isAbove(longest(text), 120)
        assert.match(
          text,
          /^ {2}✓ Samco {10}log in with API key and secret +\d+ ms {2}valid until .* IST, token <redacted>$/m
        )
      }),
    30_000
  )
})

describe("Layout.passed", () => {
  const step = Layout.passed({
    broker: "Angel One",
    title: "log in with client code, PIN and TOTP",
    millis: 12.4,
    outcome: "valid until 2026-11-29 00:00:00 IST, token <redacted>",
    notes: ["What to do: Use a fresh code."]
  })

  it.each([
    [
      120,
      [
        "  ✓ Angel One      log in with client code, PIN and TOTP              12 ms",
        "                   valid until 2026-11-29 00:00:00 IST, token <redacted>",
        "                   What to do: Use a fresh code."
      ]
    ],
    [
      60,
      [
        "  ✓ Angel One      log in with client code, PIN and    12 ms",
        "                   TOTP",
        "                   valid until 2026-11-29 00:00:00 IST,",
        "                   token <redacted>",
        "                   What to do: Use a fresh code."
      ]
    ],
    [
      40,
      [
        "  ✓ Angel One                      12 ms",
        "    log in with client code, PIN and",
        "    TOTP",
        "    valid until 2026-11-29 00:00:00 IST,",
        "    token <redacted>",
        "    What to do: Use a fresh code."
      ]
    ]
  ])("lays out a step for %d columns", (width, expected) =>
    assert.deepStrictEqual(step(page(width)).split("\n"), expected)
  )
})

it.each(widths)("Layout.failed: fits %d columns without breaking a word", (width) => {
  const text = Layout.failed("Motilal Oswal", "log in with password, birthday and TOTP", "It failed. ".repeat(9))
  assert.isAtMost(longest(text(page(width))), width)
  assert.deepStrictEqual(wordsOf(text(page(width))), wordsOf(text(piped)))
})

it.each([20, 40, 59, 60, 80, 200])("Layout.progressLine: fits %d columns, and ends with a whole word", (width) => {
  const step = "log in with client code, password and TOTP"
  for (const done of [0, 3, 15]) {
    const line = Layout.progressLine("Motilal Oswal", { done, step }, width)
    assert.isBelow(line.length, width)
    assert.notInclude(line, "\n")
    const shown = /(?:\d|■| {2}) ?([a-z].*?)(…?)$/.exec(line)?.[1]
    if (shown !== undefined) assert.isTrue(step === shown || step.startsWith(`${shown} `), line)
  }
})

describe("Layout.widthOf", () => {
  const write = () => true
  it.each([
    [{ write }, undefined],
    [{ write, columns: 80 }, undefined],
    [{ write, isTTY: true }, 80],
    [{ write, isTTY: true, columns: 0 }, 80],
    [{ write, isTTY: true, columns: 40 }, 40],
    [{ write, isTTY: true, columns: 5 }, 20],
    [{ write, isTTY: true, columns: 500 }, 200]
  ])("for the output %j, returns %s", (output, width) => assert.strictEqual(Layout.widthOf(output), width))
})

it("Layout.pageOf: returns a page without colours for piped output, even if FORCE_COLOR is set", () => {
  const script = `
    import { heading, passed, pageOf } from ${JSON.stringify(join(import.meta.dirname, "layout.ts"))}
    const page = pageOf(process.stdout, process.stdout)
    console.log(heading("title")(page))
    console.log(passed({ broker: "a", title: "b", millis: 1, outcome: "c", notes: [] })(page))`
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
    env: { ...process.env, FORCE_COLOR: "1" }
  })
  assert.include(stdout, "✓")
  assert.notInclude(stdout, "\u001B")
})
