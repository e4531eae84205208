import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const root = path.resolve(import.meta.dirname, "../..")

const testThatIs = (how: "only" | "skip") => `it.${how}("one", () => { assert.ok(1) })`

const refused: ReadonlyArray<readonly [rule: string, file: string, source: string]> = [
  ["eslint(no-restricted-imports)", "core/src/Barrel.ts", `export { Effect } from "effect"`],
  ["eslint(no-restricted-imports)", "core/src/TypeBarrel.ts", `import type { HttpClient } from "effect/http"`],
  ["eslint(no-restricted-imports)", "core/src/CryptoBarrel.ts", `import { Totp } from "effect/crypto"`],
  ["eslint(no-restricted-imports)", "node/src/Barrel.ts", `import { NodeHttpClient } from "@effect/platform-node"`],
  ["eslint(no-restricted-imports)", "angel/src/CoreBarrel.ts", `import { Session } from "@auth/broker-core"`],
  ["house(layers)", "core/src/Node.ts", `import * as fs from "node:fs"`],
  ["house(layers)", "core/src/Platform.ts", `import * as Http from "@effect/platform-node/NodeHttpClient"`],
  ["house(layers)", "core/src/Broker.ts", `export * from "@auth/angel/AngelAuth"`],
  ["house(layers)", "core/src/Msw.ts", `export const load = () => import("msw")`],
  ["house(layers)", "angel/src/Node.ts", `import * as fs from "node:fs"`],
  ["house(layers)", "angel/src/Motilal.ts", `import * as Motilal from "@auth/motilal/MotilalAuth"`],
  ["house(layers)", "simulator/src/Node.ts", `import * as Connection from "@auth/node/Connection"`],
  ["house(layers)", "simulator/src/Cli.ts", `export * from "@auth/cli"`],
  ["house(layers)", "node/src/Angel.ts", `import * as Angel from "@auth/angel/AngelAuth"`],
  ["house(core-folders)", "core/src/login/Up.ts", `import * as Manager from "../session/SessionManager.ts"`],
  ["house(core-folders)", "core/src/login/internal/Up.ts", `import type { Table } from "../../broker/ErrorTable.ts"`],
  [
    "house(core-folders)",
    "core/src/broker/internal/Up.ts",
    `export { sha256 } from "../../session/internal/sha256.ts"`
  ],
  ["house(core-folders)", "core/src/broker/Later.ts", `export const later = () => import("../session/Vault.ts")`],
  ["house(core-folders)", "core/src/session/Fake.ts", `export * from "../testing/FakeBroker.ts"`],
  ["import(no-cycle)", "core/src/login/CycleA.ts", `import type { B } from "./CycleB.ts"\nexport type A = B | 1`],
  ["import(no-cycle)", "core/src/login/CycleB.ts", `import type { A } from "./CycleA.ts"\nexport type B = A | 2`],
  ["house(no-try)", "angel/src/Try.ts", `export const f = (g) => { try { g() } catch { return 1 } }`],
  ["oxc(no-async-await)", "angel/src/Async.ts", `export const f = async (p) => await p`],
  ["eslint(no-console)", "core/src/Console.ts", `console.log(1)`],
  ["eslint(no-restricted-globals)", "core/src/Date.ts", `export const now = Date.now()`],
  ["eslint(no-restricted-globals)", "core/src/NewDate.ts", `export const now = new Date()`],
  ["eslint(no-restricted-globals)", "core/src/Env.ts", `export const home = process.env.HOME`],
  ["eslint(no-restricted-globals)", "core/src/Timer.ts", `setTimeout(() => {}, 1)`],
  ["eslint(no-restricted-globals)", "core/src/Fetch.ts", `export const page = fetch("https://example.com")`],
  ["eslint(no-restricted-globals)", "core/src/Buffer.ts", `export const bytes = Buffer.from("a")`],
  ["eslint(no-restricted-properties)", "core/src/Random.ts", `export const die = Math.random()`],
  ["vitest(no-focused-tests)", "core/test/Only.test.ts", testThatIs("only")],
  ["vitest(no-disabled-tests)", "core/test/Skip.test.ts", testThatIs("skip")]
]

const allowed: ReadonlyArray<readonly [file: string, source: string]> = [
  ["core/src/session/Down.ts", `export * from "../broker/Broker.ts"\nexport * from "../login/Login.ts"`],
  ["core/src/broker/Down.ts", `import type { Login } from "../login/Login.ts"\nexport type L = Login`],
  ["core/src/Module.ts", `export * as Http from "effect/http/HttpClient"`],
  ["angel/src/msw.ts", `export { http } from "msw"\nexport * as Session from "@auth/broker-core/login/Session"`],
  ["simulator/src/bin.ts", `export * as http from "node:http"\nexport * as Angel from "@auth/angel/msw"`],
  ["core/test/Clock.test.ts", `export const now = Date.now()`]
]

describe("lint:", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-lint-"))
  const rulesByFile = new Map<string, Array<string>>()

  beforeAll(() => {
    const config = JSON.parse(fs.readFileSync(path.join(root, ".oxlintrc.json"), "utf8"))
    config.jsPlugins = [path.join(root, "tools/lint/plugin.js")]
    fs.writeFileSync(path.join(folder, ".oxlintrc.json"), JSON.stringify(config))
    for (const [file, source] of [...refused.map(([, file, source]) => [file, source] as const), ...allowed]) {
      const target = path.join(folder, "packages", file)
      fs.mkdirSync(path.dirname(target), { recursive: true })
      fs.writeFileSync(target, `${source}\n`)
    }
    const oxlint = path.join(root, "node_modules/oxlint/bin/oxlint")
    const run = spawnSync(process.execPath, [oxlint, "--format", "json"], { cwd: folder, encoding: "utf8" })
    assert.strictEqual(run.status, 1, run.stderr)
    for (const { code, filename } of JSON.parse(run.stdout).diagnostics as Array<{ code: string; filename: string }>) {
      const file = path.relative("packages", filename)
      rulesByFile.set(file, [...(rulesByFile.get(file) ?? []), code])
    }
  })

  afterAll(() => fs.rmSync(folder, { recursive: true }))

  for (const [rule, file, source] of refused) {
    it(`${rule} rejects ${source.replaceAll("\n", "; ")} in ${file}`, () =>
      assert.include(rulesByFile.get(file) ?? [], rule))
  }

  for (const [file, source] of allowed) {
    it(`no rule rejects ${source.replaceAll("\n", "; ")} in ${file}`, () =>
      assert.deepStrictEqual(rulesByFile.get(file) ?? [], []))
  }
})
