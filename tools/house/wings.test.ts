import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { root } from "./brokers.ts"

const source = join(root, "packages/core/src")

/** From the lowest: a wing may import from itself and from those before it. */
const wings = ["login", "broker", "session", "testing", "index.ts"]

const wingOf = (file: string): string => file.split("/")[0] ?? ""

/** The modules of core with what each imports, types included. */
const readModules = (): ReadonlyMap<string, ReadonlyArray<string>> => {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"))
  return new Map(
    files.map((file) => {
      const text = readFileSync(join(source, file), "utf8")
      const imports = Array.from(text.matchAll(/(?:from|import) "(\.[^"]+)"/g), ([, path = ""]) =>
        normalize(join(dirname(file), path))
      )
      return [file, imports.filter((path) => files.includes(path))] as const
    })
  )
}

/** Arrows from a wing to one above it. */
const arrowsUp = (modules: ReadonlyMap<string, ReadonlyArray<string>>): ReadonlyArray<string> =>
  Array.from(modules).flatMap(([file, imports]) =>
    imports
      .filter((path) => wings.indexOf(wingOf(path)) > wings.indexOf(wingOf(file)))
      .map((path) => `${file} -> ${path}`)
  )

/** A circle of imports, if there is one. */
const findCircle = (modules: ReadonlyMap<string, ReadonlyArray<string>>): ReadonlyArray<string> | undefined => {
  const done = new Set<string>()
  const visit = (file: string, path: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return undefined
    for (const next of modules.get(file) ?? []) {
      const circle = visit(next, [...path, file])
      if (circle !== undefined) return circle
    }
    done.add(file)
    return undefined
  }
  for (const file of modules.keys()) {
    const circle = visit(file, [])
    if (circle !== undefined) return circle
  }
  return undefined
}

describe("the wings of core", () => {
  const modules = readModules()

  it("are login, broker and session, and nothing stands outside of them", () => {
    assert.isAbove(modules.size, 60)
    assert.deepStrictEqual(Array.from(new Set(Array.from(modules.keys(), wingOf))).toSorted(), wings.toSorted())
  })

  it("import from session to broker to login, and never back", () => {
    assert.deepStrictEqual(arrowsUp(modules), [])
  })

  it("have no circle of imports, types included", () => {
    assert.isUndefined(findCircle(modules))
  })

  it("are seen where one points back", () => {
    const wrong = new Map([
      ["login/A.ts", ["broker/B.ts"]],
      ["broker/B.ts", ["login/A.ts"]]
    ])
    assert.deepStrictEqual(arrowsUp(wrong), ["login/A.ts -> broker/B.ts"])
    assert.deepStrictEqual(findCircle(wrong), ["login/A.ts", "broker/B.ts", "login/A.ts"])
  })
})
