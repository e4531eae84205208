import * as path from "node:path"
import type { Reporter, SerializedError, TestCase, TestModule } from "vitest/node"
import { thorough } from "./thorough.ts"

declare module "vitest" {
  interface TaskMeta {
    /** Number of answer bodies that a fuzz test generated. */
    fuzzBodies?: number
    /** Number of days that a test simulated. */
    days?: number
  }
}

/** Maps the first word of a top-level `describe` to the words that are printed after the count. */
const kinds: Readonly<Record<string, string>> = {
  contract: "contract cases",
  fixtures: "fixtures",
  codes: "codes",
  dialects: "dialects",
  requests: "requests",
  sessions: "session tests",
  vaults: "vault tests",
  canary: "canaries",
  fuzz: "fuzz bodies",
  days: "random days"
}

const topLevel = (test: TestCase): string => {
  let task: TestCase["parent"] | TestCase = test
  while (task.parent.type === "suite") task = task.parent
  return task.name
}

const packageOf = (test: TestCase): string =>
  /(?:packages|tools)\/([^/]+)\//.exec(test.module.moduleId.replaceAll("\\", "/"))?.[1] ?? "elsewhere"

const countKinds = (tests: ReadonlyArray<TestCase>): Map<string, Map<string, number>> => {
  const counts = new Map<string, Map<string, number>>()
  for (const test of tests) {
    const kind = /^\w+/.exec(topLevel(test))?.[0] ?? ""
    if (test.parent.type !== "suite" || !Object.hasOwn(kinds, kind)) continue
    const ofKind = counts.get(kind) ?? new Map<string, number>()
    const { days = 0, fuzzBodies = 0 } = test.meta()
    const more = { fuzz: fuzzBodies, days }[kind] ?? 1
    ofKind.set(packageOf(test), (ofKind.get(packageOf(test)) ?? 0) + more)
    counts.set(kind, ofKind)
  }
  return counts
}

const file = (module: TestModule): string => path.relative(process.cwd(), module.moduleId)

type Failure = readonly [where: string, error: { readonly message: string } | undefined]

/** Errors outside of tests: the test file cannot be loaded, or a hook of a suite fails. */
const strayErrors = (module: TestModule): ReadonlyArray<Failure> => [
  ...module.errors().map((error) => [file(module), error] as const),
  ...Array.from(module.children.allSuites()).flatMap((suite) =>
    suite.errors().map((error) => [`${file(module)} > ${suite.fullName}`, error] as const)
  )
]

const failuresOf = (module: TestModule): ReadonlyArray<Failure> => {
  const failed = Array.from(module.children.allTests("failed"))
  const errors = failed.map((test): Failure => [`${file(module)} > ${test.fullName}`, test.result().errors?.[0]])
  return [...errors, ...strayErrors(module)]
}

const lineOf = ([where, error]: Failure): string =>
  `failed: ${where}: ${(error?.message ?? "").split("\n", 1)[0]}`.slice(0, 300)

const isThorough = ({ tags }: TestCase): boolean => !thorough && tags.includes("thorough")

const leftOut = (skipped: ReadonlyArray<TestCase>): ReadonlyArray<string> => {
  const needing = (word: string) => skipped.filter((test) => !isThorough(test) && test.fullName.includes(word))
  const again = thorough ? "npm run check -- --only tests" : "npm test"
  return [
    { tests: skipped.filter(isThorough), which: "thorough tests", howTo: "npm run check -- --only tests" },
    {
      tests: needing("Redis"),
      which: "tests that need redis-server",
      howTo: `apt-get install redis-server (or: brew install redis), then ${again}`
    },
    {
      tests: needing("Chromium"),
      which: "tests that need chromium",
      howTo: `apt-get install chromium (or: brew install --cask chromium), then ${again}`
    }
  ].flatMap(({ howTo, tests, which }) =>
    tests.length === 0 ? [] : [`skipped ${which}: ${tests.length}. To run them: ${howTo}`]
  )
}

/** Prints the counts of tests by kind, the failures, how to run skipped tests, and the totals. */
export default class CountsReporter implements Reporter {
  onTestRunEnd(ended: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<SerializedError>): void {
    // Sorted, because test files end in a different order in each run.
    const modules = ended.toSorted((left, right) => file(left).localeCompare(file(right)))
    const tests = modules.flatMap((module) => Array.from(module.children.allTests()))
    const inState = (state: string) => tests.filter((test) => test.result().state === state)
    const passed = inState("passed")
    const failed = inState("failed")
    const skipped = tests.filter((test) => !passed.includes(test) && !failed.includes(test))
    const strays = modules.flatMap(strayErrors).length + unhandledErrors.length
    const failures = [...modules.flatMap(failuresOf), ...unhandledErrors.map((error): Failure => ["unhandled", error])]
    const counts = countKinds([...passed, ...failed])
    const lines = Object.entries(kinds).flatMap(([kind, title]) => {
      const ofKind = Array.from(counts.get(kind) ?? []).toSorted(([left], [right]) => left.localeCompare(right))
      if (ofKind.length === 0) return []
      const total = ofKind.reduce((sum, [, count]) => sum + count, 0)
      const packages = ofKind.map(([name, count]) => `${name} ${count}`).join(", ")
      return [`${String(total).padStart(8)} ${title.padEnd(15)} ${packages}`]
    })
    const totals = `tests: ${passed.length} passed, ${failed.length + strays} failed`
    const table = lines.length === 0 ? [] : [...lines, ""]
    console.log(
      [
        "",
        ...table,
        ...failures.map(lineOf),
        ...leftOut(skipped),
        skipped.length === 0 ? totals : `${totals}, ${skipped.length} skipped`
      ].join("\n")
    )
  }
}
