import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { stopAll } from "../packages/process.ts"
import { root } from "../packages/workspace.ts"
import { chosenColumns, type Outcome, runRow, textOf } from "./cells.ts"
import { outputOf } from "./child.ts"
import { pagePath } from "./page.ts"
import type { Project } from "./project.ts"
import { columns, compilers, type Row, rows, typeColumns } from "./runtimes.ts"

const command = (...args: ReadonlyArray<string>) =>
  spawnSync(process.execPath, ["--conditions=@auth/source", path.join(import.meta.dirname, "main.ts"), ...args], {
    encoding: "utf8",
    timeout: 60_000
  })

const project: Project = { folder: root, modules: () => [], version: () => "", layer: () => "", typed: () => "" }

const rowOf = (check: (column: string) => Promise<void>, row: Partial<Row> = {}): Row => ({
  name: "example",
  title: "Example",
  columns: ["first", "second"],
  prepare: async () => ({ version: "1.0.0", check }),
  ...row
})

const outcomesOf = async (row: Row): Promise<Readonly<Record<string, Outcome>>> =>
  Object.fromEntries((await runRow(row, row.columns, project, () => undefined)).outcomes)

const tableOf = (text: string, head: string): ReadonlyArray<ReadonlyArray<string>> => {
  const lines = text.split("\n")
  const first = lines.findIndex((line) => line.startsWith(`| ${head} `))
  const end = lines.findIndex((line, index) => index > first && !line.startsWith("|"))
  return lines.slice(first, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim())
  )
}

describe("`npm run runtimes`", () => {
  afterAll(stopAll)

  it("keeps the end of a long error, and still checks the other cells", async () => {
    const row = rowOf(async (column) => {
      if (column === "first") throw new Error(Array.from({ length: 30 }, (_, index) => `line ${index}`).join("\n"))
    })
    const { first, second } = await outcomesOf(row)
    assert.match(first?.state === "failed" ? first.reason : "not failed", /^line 10\n[\s\S]*line 29$/)
    assert.deepStrictEqual(second, { state: "yes" })
  })

  it("says why a runtime was not run", async () => {
    const row = rowOf(async () => undefined, { prepare: () => Promise.reject(new Error("npm has no such package")) })
    const { first } = await outcomesOf(row)
    assert.deepStrictEqual(first, { state: "not run", reason: "npm has no such package" })
    assert.strictEqual(first && textOf(first), "not run: npm has no such package")
  })

  it("accepts a known failure only with the expected error", async () => {
    const impossible = { first: { reason: "a known reason", error: /refused/ } }
    const checkWith = (check: () => Promise<void>) => outcomesOf(rowOf(check, { impossible, columns: ["first"] }))
    const refused = await checkWith(() => Promise.reject(new Error("the header was refused")))
    assert.deepStrictEqual(refused["first"], { state: "no", reason: "a known reason" })
    assert.strictEqual((await checkWith(() => Promise.reject(new Error("another error"))))["first"]?.state, "failed")
    assert.strictEqual((await checkWith(async () => undefined))["first"]?.state, "failed")
  })

  it("ends a program that takes too long", async () => {
    const running = outputOf(process.execPath, ["-e", "console.log('begun'); setInterval(() => {}, 1000)"], {
      cwd: root,
      limit: 1500
    })
    const failure = await running.catch((error: unknown) => error)
    assert.match(String(failure), /did not end within 1\.5 s\.\nbegun/)
  })

  it("chooses cells by the name of a row, column or cell", () => {
    const row = rowOf(async () => undefined)
    assert.deepStrictEqual(chosenColumns([], row), ["first", "second"])
    assert.deepStrictEqual(chosenColumns(["example"], row), ["first", "second"])
    assert.deepStrictEqual(chosenColumns(["second"], row), ["second"])
    assert.deepStrictEqual(chosenColumns(["example/first"], row), ["first"])
    assert.deepStrictEqual(chosenColumns(["other"], row), [])
  })

  it("rejects wrong options, and prints all rows with --list", () => {
    const listed = command("--list")
    assert.strictEqual(listed.status, 0, listed.stderr)
    for (const { name } of [...rows, ...compilers]) assert.include(listed.stdout, `  ${name} `)
    const unknown = command("--only", "node1")
    assert.strictEqual(unknown.status, 2)
    assert.match(unknown.stderr, /^There is no row, column or cell "node1"/)
    assert.match(command("--write", "--only", "bun").stderr, /^--write needs all cells/)
  })

  it("has written each row, column and cell to docs/runtimes.md", () => {
    const text = fs.readFileSync(path.join(root, pagePath), "utf8")
    const expected = [
      { head: "runtime", some: rows, titles: columns },
      { head: "compiler", some: compilers, titles: typeColumns }
    ]
    for (const { head, some, titles } of expected) {
      const [heads, , ...body] = tableOf(text, head)
      assert.deepStrictEqual(heads, [head, "version", ...Object.values(titles)])
      assert.deepStrictEqual(
        body.map(([title]) => title),
        some.map(({ title }) => title)
      )
      for (const [, version, ...cells] of body) {
        assert.match(version ?? "", /\d+\.\d+/)
        for (const cell of cells) assert.match(cell, /^(?:yes|no: .+)$/)
      }
    }
  })
})
