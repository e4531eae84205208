import * as fs from "node:fs"
import * as path from "node:path"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { check, collect, type Example, extract, instrument, type Problem } from "./examples.ts"
import { root } from "../packages/workspace.ts"

const examples = collect()

const broken: ReadonlyArray<readonly [problem: RegExp, line: number, code: string, run?: boolean]> = [
  [/TS2882/, 1, `import "@auth/nobody"`],
  [/TS2322/, 2, `const one = 1\nconst text: string = one`],
  [/TS2322/, 1, `const text: string = 1`, false],
  [/the value is 2, not 3/, 1, `1 + 1 // => 3`],
  [/the value is 2, not 3/, 1, `1 + 1\n// => 3`],
  [/the value is 'ab', not 'ac'/, 2, `const a = "a"\nconst b = a + "b" // => "ac"\nvoid b`],
  [/the value is \{ a: \[ 1 \] \}, not \{ a: \[ 2 \] \}/, 1, `({ a: [1] }) // => { a: [2] }`],
  [/not reached/, 2, `const never = () => {\n  return 1 // => 1\n}`],
  [/TS377001: This Effect value is neither/, 3, `import * as Effect from "effect/Effect"\n\nEffect.succeed(1) // => 1`],
  [/Cannot bypass a request/, 1, `await fetch("https://nobody.example/")`],
  [/stray/, 1, `void Promise.reject(new Error("stray"))`],
  [/boom/, 1, `throw new Error("boom")`],
  [
    /too late/,
    1,
    `import * as Effect from "effect/Effect"\n\nEffect.runPromise(Effect.die("too late")).catch((error) => {\n  console.error(error)\n})`
  ],
  [/TS2304.*nothing/s, 1, `nothing // => 1`],
  [/clientCode is missing/, 1, program(`AngelAuth.layer({ credentials: {} as never })`)],
  [/refused the one-time code/, 1, program(`AngelAuth.layer({ credentials: { ...wrong } })`)],
  [/TS2379.*HttpClient/s, 13, program(`AngelAuth.layerConfig()`, "")]
]

function program(layer: string, provided = ".pipe(Layer.provide(FetchHttpClient.layer))"): string {
  return `import * as AngelAuth from "@auth/angel/AngelAuth"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Login from "@auth/broker-core/login/Login"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

const secret = Redacted.make("0000")
const wrong = { clientCode: "A123456", pin: secret, apiKey: secret, totp: CodeSource.fixed(Redacted.make("000000")) }

const program = Login.session.pipe(Effect.provide(${layer}${provided}))`
}

const sound: ReadonlyArray<string> = [
  `1 + 1 // => 2`,
  `const pair = [1, { a: "b" }] // => [1, { a: "b" }]\nvoid pair`,
  `"a"\n// => "a"`,
  `import * as Effect from "effect/Effect"\n\nconst program = Effect.gen(function* () {\n  yield* Effect.void\n  return 1 // => 1\n})`,
  `import * as Effect from "effect/Effect"\n\nEffect.runPromise(Effect.succeed(1))`,
  `import * as Effect from "effect/Effect"\n\nEffect.runPromise(Effect.succeed(1)).catch((error) => {\n  console.error(error.message)\n})`,
  program(`AngelAuth.layerConfig()`)
]

const probe = (code: string, index: number, run = true): Example => ({ file: `probe${index}.md`, line: 1, code, run })
const wrongs = broken.map(([, , code, run], index) => probe(code, index, run))
const rights = sound.map((code, index) => probe(code, broken.length + index))

describe("documentation examples", () => {
  let problems: ReadonlyArray<Problem> = []
  const problemsOf = ({ code, file, line }: Example) =>
    problems.filter(({ at }) => {
      const found = Number(at.slice(file.length + 1))
      return at.startsWith(`${file}:`) && found >= line && found <= line + code.split("\n").length
    })

  beforeAll(async () => {
    problems = await check([...examples, ...wrongs, ...rights])
  }, 120_000)

  for (const example of examples) {
    it(`${example.file}:${example.line} compiles${example.run ? " and runs as documented" : ""}`, () =>
      assert.deepStrictEqual(problemsOf(example), []))
  }

  describe("the check itself", () => {
    broken.forEach(([problem, line, code], index) => {
      it(`reports ${problem} for code that ends with ${JSON.stringify(code.slice(-60))}`, () => {
        const [found] = problemsOf(wrongs[index] as Example)
        assert.strictEqual(found?.at, `probe${index}.md:${line}`)
        assert.match(found?.text ?? "", problem)
      })
    })
    sound.forEach((code, index) => {
      it(`accepts code that ends with ${JSON.stringify(code.slice(-60))}`, () =>
        assert.deepStrictEqual(problemsOf(rights[index] as Example), []))
    })
  })
})

describe("extract", () => {
  it("returns the TypeScript blocks of Markdown, with line numbers", () => {
    const markdown = "# Title\n```ts\na\n\nb\n```\n```sh\nls\n```\n```ts no-run\nc\n```\n"
    assert.deepStrictEqual(extract("README.md", markdown), [
      { file: "README.md", line: 3, code: "a\n\nb", run: true },
      { file: "README.md", line: 11, code: "c", run: false }
    ])
  })

  it("ignores a block whose comment ends before the closing fence", () => {
    const source = "/**\n * ```ts\n * a\n */\nconst b = 1\n/**\n * ```ts\n * c\n * ```\n */\n"
    assert.deepStrictEqual(extract("A.ts", source), [{ file: "A.ts", line: 8, code: "c", run: true }])
  })

  it("returns only the blocks in comments of a source file", () => {
    const source = "/**\n * Says.\n *\n * ```ts\n * a\n *\n *   b\n * ```\n */\nconst text = `\n```ts\nc\n```\n`\n"
    assert.deepStrictEqual(extract("A.ts", source), [{ file: "A.ts", line: 5, code: "a\n\n  b", run: true }])
  })
})

it("instrument: adds `__same` for each `// =>` comment, and keeps line numbers", () => {
  const code = "const a = 1 // => 1\n\nf(\n  a\n)\ng(a)\n// => 2\nreturn yield* h(a) // => [3]"
  assert.deepStrictEqual(instrument(probe(code, 0)), {
    code: "const a = __same(1, 1, 0)\n\nf(\n  a\n)\n__same(g(a), 2, 5)\n// => 2\nreturn __same(yield* h(a), [3], 7)",
    lines: [0, 5, 7]
  })
})

it("each module in core's index.ts has an example", () => {
  const index = fs.readFileSync(path.join(root, "packages/core/src/index.ts"), "utf8")
  const modules = Array.from(index.matchAll(/"\.\/([\w/]+\.ts)"/g), ([, module]) => `packages/core/src/${module}`)
  const shown = new Set(examples.map(({ file }) => file))
  assert.isNotEmpty(modules)
  assert.deepStrictEqual(
    modules.filter((module) => !shown.has(module)),
    []
  )
})
