import { spawnSync } from "node:child_process"
import * as path from "node:path"
import { stripVTControlCharacters } from "node:util"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { makeScratch, stopPeers } from "../interop/peer.ts"
import { stopAll } from "../packages/process.ts"
import { root } from "../packages/workspace.ts"
import { runsRedis } from "../redis/server.ts"
import { makeRunner, NotHere, type Row, type Scenario, wait } from "./harness.ts"
import { makeRandom } from "./random.ts"
import { isRight } from "./report.ts"
import { runAll } from "./run.ts"
import { crowd } from "./scenarios/stampede.ts"

const seconds = { quick: 60, full: 60 }

const scenarioOf = (run: Scenario["run"], limit = seconds): Scenario => ({
  summary: "a test",
  breaks: "nothing",
  seconds: limit,
  run
})

const run = async (scenario: Scenario, broken = false): Promise<ReadonlyArray<Row>> => {
  const runner = makeRunner({ size: "quick", seed: 1, broken }, makeScratch("torture-test"), () => undefined)
  const rows = await runner.run("test", scenario)
  await runner.stop()
  return rows
}

const verdicts = (rows: ReadonlyArray<Row>) =>
  rows.map(({ found, verdict, wanted, what }) => [what, found, wanted.replace(/, plus \d+ ms of stalls$/, ""), verdict])

const right = { broken: false }
const broken = { broken: true }

describe("torture", () => {
  afterAll(() => Promise.all([stopPeers(), stopAll()]))

  it("passes only if all counts are right", async () => {
    const rows = await run(
      scenarioOf((torture) =>
        torture.attempt("counting", async (tally) => {
          tally.equal("exchanges", 2, 1)
          await tally.within("time from the kill to the next login", 1_000_000.4, 1000)
          tally.atLeast("kills", 9, 10)
          tally.equal("lost", 0, 0)
        })
      )
    )
    assert.deepStrictEqual(verdicts(rows), [
      ["exchanges", "2", "1", "WRONG"],
      ["time from the kill to the next login", "1000000 ms", "≤ 1000 ms", "WRONG"],
      ["kills", "9", "≥ 10", "WRONG"],
      ["lost", "0", "0", "ok"]
    ])
    assert.isFalse(isRight(rows.slice(2), right))
    assert.isTrue(isRight(rows.slice(3), right))
  })

  it("fails if a case throws, and reports the error's first line", async () => {
    const rows = await run(
      scenarioOf((torture) => torture.attempt("a thing", () => Promise.reject(new Error("no such thing\n  at …"))))
    )
    assert.deepStrictEqual(verdicts(rows), [["no such thing", "", "", "FAILED"]])
    assert.isFalse(isRight(rows, right))
    assert.isFalse(isRight(rows, broken))
  })

  it("fails if a scenario counts nothing", async () => {
    const rows = await run(scenarioOf(() => Promise.resolve()))
    assert.isFalse(isRight(rows, right))
    assert.isFalse(isRight(rows, broken))
  })

  it("fails if a scenario exceeds its time limit", async () => {
    const rows = await run(scenarioOf(() => wait(60_000), { quick: 0.05, full: 0.05 }))
    assert.deepStrictEqual(verdicts(rows), [["the scenario did not end within 0.05 s", "", "", "FAILED"]])
    assert.isFalse(isRight(rows, right))
    assert.isFalse(isRight(rows, broken))
  })

  it("passes, and reports `not run`, if the machine cannot run a case", async () => {
    const rows = await run(
      scenarioOf((torture) => torture.attempt("x", () => Promise.reject(new NotHere("no seccomp"))))
    )
    assert.deepStrictEqual(verdicts(rows), [["no seccomp", "", "", "not run"]])
    assert.isTrue(isRight(rows, right))
  })

  it("fails with --broken if no count is wrong", async () => {
    const rows = await run(
      scenarioOf((torture) => torture.attempt("x", async (tally) => tally.equal("exchanges", 1, 1))),
      true
    )
    assert.isFalse(isRight(rows, broken))
  })

  it("makes the same random numbers for the same seed", () => {
    const numbers = (seed: number) => Array.from({ length: 5 }, makeRandom(seed).next)
    assert.deepStrictEqual(numbers(7), numbers(7))
    assert.notDeepEqual(numbers(7), numbers(8))
    assert.isTrue(numbers(7).every((number) => number >= 0 && number < 1))
  })

  it.runIf(runsRedis)(
    "the scenario `stampede` with Redis detects a lock that makes no caller wait",
    { tags: ["thorough"], timeout: 90_000 },
    async () => {
      const rows = await run(
        scenarioOf((torture) => crowd(torture, 3)),
        true
      )
      const found = rows.find(
        ({ verdict, what }) => verdict === "WRONG" && what === "logins and refreshes at the start"
      )
      assert.isAbove(Number(found?.found), 1)
      assert.isTrue(isRight(rows, broken))
      assert.isFalse(isRight(rows, right))
    }
  )

  it("prints one line for a count that is right in several cases", async () => {
    const printed: Array<string> = []
    const output = { print: (text: string) => void printed.push(text), progress: () => undefined, details: false }
    const counting = (found: number) =>
      scenarioOf(async (torture) => {
        for (const title of ["samco", "angel"]) {
          await torture.attempt(title, async (tally) => {
            tally.equal("exchanges", found, 1)
            tally.equal("lost", 0, 0)
          })
        }
      })
    const options = { size: "quick", seed: 5, broken: false } as const
    assert.isTrue(await runAll([["one", counting(1)]], options, output))
    assert.isFalse(
      await runAll(
        [
          ["one", counting(1)],
          ["two", counting(2)]
        ],
        options,
        output
      )
    )
    const last = stripVTControlCharacters(printed.join("\n")).split("torture: ").at(-1) ?? ""
    const lines = last.split("\n").map((line) =>
      line
        .trim()
        .replace(/ +/g, " ")
        .replace(/\(?[\d.]+ s\)?/, "TIME")
    )
    assert.deepStrictEqual(lines, [
      "quick run; to repeat it, use --quick --seed 5",
      "ok 1/2 one: 4 right, 0 wrong TIME",
      "FAILED 2/2 two: 2 right, 2 wrong TIME",
      "",
      "scenario case counted found wanted",
      "one 2 cases exchanges 1 1 ok",
      "one 2 cases lost 0 0 ok",
      "two samco exchanges 2 1 WRONG",
      "two 2 cases lost 0 0 ok",
      "two angel exchanges 2 1 WRONG",
      "",
      "6 right, 2 wrong, in TIME; to repeat it, use --quick --seed 5"
    ])
  })

  it("prints --broken among the options that repeat the run", async () => {
    const printed: Array<string> = []
    const output = { print: (text: string) => void printed.push(text), progress: () => undefined, details: false }
    const wrong = scenarioOf((torture) => torture.attempt("x", async (tally) => tally.equal("lost", 1, 0)))
    assert.isTrue(await runAll([["one", wrong]], { size: "quick", seed: 5, broken: true }, output))
    assert.strictEqual(printed[0], "torture: quick run with broken parts; to repeat it, use --quick --broken --seed 5")
    assert.match(printed.at(-1) ?? "", /; to repeat it, use --quick --broken --seed 5$/)
  })

  it("exits with 2 if a scenario name is unknown", { timeout: 60_000 }, () => {
    const args = [
      "--conditions=@auth/source",
      path.join(root, "tools/torture/main.ts"),
      "--only",
      "nothing-of-the-kind"
    ]
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" })
    assert.strictEqual(status, 2)
    assert.include(stderr, 'There is no scenario "nothing-of-the-kind".')
  })
})
