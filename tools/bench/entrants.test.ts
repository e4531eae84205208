import { assert, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { makeScratch } from "../interop/peer.ts"
import { entrantsOf, here, pairTurns, problemOf, toCheckout } from "./entrants.ts"
import { type Bench, type Candidate, orderOf, type Turn } from "./harness.ts"

const candidateOf = (title: string, rest?: Partial<Candidate>): Candidate => ({
  title,
  prepare: async () => async () => undefined,
  ...rest
})

const benchOf = (candidates: Bench["candidates"], turns: ReadonlyArray<Turn>, rest?: Partial<Bench>): Bench => {
  const plan = { rounds: 1, seconds: 1, warmUp: 1, turns }
  const fixed = { summary: "a test", job: "job", baselines: ["map"], versions: [] }
  return { ...fixed, candidates, plans: { full: plan, quick: plan }, ...rest }
}

const turns: ReadonlyArray<Turn> = [{ title: "due", variant: "due", concurrency: 8, count: 100 }]
const theirTurns: ReadonlyArray<Turn> = [{ title: "due", variant: "due", concurrency: 8, count: 5 }]

const bench = benchOf(
  { map: candidateOf("a Map"), ours: candidateOf("ours", { ours: true }), fresh: candidateOf("new", { ours: true }) },
  turns
)
const before = toCheckout("/tmp/some/before")
const theirs = benchOf({ map: candidateOf("a Map"), ours: candidateOf("mine", { nodeArgs: ["--x"] }) }, theirTurns)
/** A twin runs a candidate with the library of the other checkout. */
const other = { checkout: before, bench: theirs }

const all = { plan: "quick" as const, only: [] }

const namesOf = ({ entrants }: ReturnType<typeof entrantsOf>) => entrants.map(({ name }) => name)

it("entrantsOf returns no twins if no other checkout is given", () => {
  assert.deepStrictEqual(namesOf(entrantsOf("some", bench, all)), ["map", "ours", "fresh"])
})

it("entrantsOf puts each twin after its candidate, and reports missing twins", () => {
  const found = entrantsOf("some", bench, all, other)
  assert.deepStrictEqual(namesOf(found), ["map", "ours", "ours@before", "fresh"])
  assert.deepStrictEqual(found.missing, ["fresh@before"])
  assert.deepStrictEqual(
    found.entrants.map(({ twin }) => twin),
    [undefined, "ours@before", undefined, undefined]
  )
})

it("a twin runs the other checkout's bench with this checkout's job counts", () => {
  const twin = entrantsOf("some", bench, all, other).entrants[2]
  assert.strictEqual(twin?.script, "/tmp/some/before/tools/bench/candidate.ts")
  assert.strictEqual(twin?.file, "/tmp/some/before/tools/bench/benches/some.ts")
  assert.strictEqual(twin?.title, "ours @before")
  assert.deepStrictEqual(twin?.nodeArgs, ["--x"])
  assert.deepStrictEqual(twin?.turns, [{ title: "due", variant: "due", concurrency: 8, count: 100 }])
})

it("if Bench.programs is set, a twin runs this checkout's bench file", () => {
  const programs = { ...bench, programs: async () => undefined }
  const found = entrantsOf("some", programs, all, { checkout: before, bench: undefined })
  const twin = found.entrants[2]
  assert.deepStrictEqual(found.missing, [])
  assert.strictEqual(twin?.name, "ours@before")
  assert.isTrue(twin?.file.startsWith(here.root))
  assert.strictEqual(twin?.checkout, before)
})

it("--only selects a candidate with its twin, or a twin alone", () => {
  const only = (...names: ReadonlyArray<string>) =>
    namesOf(entrantsOf("some", bench, { plan: "quick" as const, only: names }, other))
  assert.deepStrictEqual(only("map", "ours"), ["map", "ours", "ours@before"])
  assert.deepStrictEqual(only("ours@before"), ["ours@before"])
  assert.deepStrictEqual(only("map"), ["map"])
})

it("pairTurns returns undefined for lists that differ in length, concurrency or accounts", () => {
  assert.isUndefined(pairTurns(turns, []))
  assert.isUndefined(pairTurns(turns, [{ concurrency: 9, count: 100 }]))
  assert.isUndefined(pairTurns(turns, [{ concurrency: 8, count: 100, accounts: 10 }]))
  assert.isDefined(pairTurns(turns, theirTurns))
})

it("orderOf puts each of two candidates first equally often", () => {
  const firsts = [0, 1, 2, 3].map((round) => orderOf(["ours", "ours@before"], round)[0])
  assert.strictEqual(firsts.filter((name) => name === "ours").length, 2)
})

it("orderOf puts each of three candidates at each position equally often", () => {
  const orders = Array.from({ length: 6 }, (_, round) => orderOf(["a", "b", "c"], round).join(""))
  assert.deepStrictEqual(orders, ["abc", "cba", "bca", "acb", "cab", "bac"])
})

it("problemOf reports missing benches, missing packages, and packages of another checkout", () => {
  const folder = makeScratch("bench-test")
  const checkout = toCheckout(folder)
  assert.match(problemOf(checkout) ?? "", /is not a checkout with benches/)
  fs.mkdirSync(path.join(folder, "tools/bench"), { recursive: true })
  fs.writeFileSync(path.join(folder, "tools/bench/candidate.ts"), "")
  assert.match(problemOf(checkout) ?? "", /no installed packages/)
  fs.symlinkSync(path.join(here.root, "node_modules"), path.join(folder, "node_modules"))
  assert.match(problemOf(checkout) ?? "", /the library of another checkout/)
  assert.isUndefined(problemOf(here))
})

it("--against refuses a folder that is not a checkout", () => {
  const args = [
    "--conditions=@auth/source",
    path.join(here.root, "tools/bench/main.ts"),
    "--against",
    "/no/such/folder"
  ]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" })
  assert.strictEqual(status, 2)
  assert.match(stderr, /^\/no\/such\/folder is not a checkout with benches\./)
})
