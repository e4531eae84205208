/**
 * The examples of the documents, as programs: every `ts` block of a README and of an `@example`.
 *
 * A line `expression // => value` is a promise that is checked. A `program` is an effect that is run, against the fakes.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..")

/** Inside the workspace, so that packages are found as they are anywhere in it. */
export const folder = join(root, "node_modules/.cache/broker-auth-examples")

export interface Example {
  /** `packages/core/src/Totp.ts:101` */
  readonly where: string
  readonly code: string
}

const packageFolders = readdirSync(join(root, "packages")).map((name) => `packages/${name}`)

const below = (path: string, fits: (file: string) => boolean): ReadonlyArray<string> =>
  readdirSync(join(root, path), { recursive: true })
    .map((file) => join(path, String(file)))
    .filter(fits)

const files = (): ReadonlyArray<string> => [
  "README.md",
  ...packageFolders.flatMap((path) => [
    ...below(path, (file) => file === join(path, "README.md")),
    ...below(join(path, "src"), (file) => file.endsWith(".ts"))
  ])
]

const blocks = /^([ \t]*(?:\* )?)```ts\n([\s\S]*?)^[ \t]*(?:\* )?```$/gm

const blocksOf = (path: string): ReadonlyArray<Example> => {
  const text = readFileSync(join(root, path), "utf8")
  return Array.from(text.matchAll(blocks), ({ 2: body = "", index }) => ({
    where: `${path}:${text.slice(0, index).split("\n").length}`,
    code: body.replaceAll(/^[ \t]*\* ?/gm, "")
  }))
}

/** Every example, in the order of the files. */
export const examples: ReadonlyArray<Example> = files().flatMap(blocksOf)

const promise = /^(\s*)(return\s+)?(.+?)(?:\n\s*|\s+)\/\/ => (.+)$/gm

/** How many promises an example makes. */
export const promises = ({ code }: Example): number => Array.from(code.matchAll(promise)).length

/** An example that runs itself is waited for; of the others the `program` is run, if they have one. */
const runsItself = /^Effect\.runPromise\(/gm

const toModule = ({ code, where }: Example): string => {
  const checked = code
    .replaceAll(runsItself, "await Effect.runPromise(")
    .replaceAll(
      promise,
      (_, indent: string, keyword: string | undefined, expression: string, value: string) =>
        `${indent}${keyword ?? ""}check(${expression}, ${value}, ${JSON.stringify(where)})`
    )
  const hasProgram = /^const program\b/m.test(code) && code.search(runsItself) === -1
  return `import { check } from "./check.ts"\n${checked}\nexport {${hasProgram ? " program " : ""}}\nvoid check\n`
}

const check = `import { deepStrictEqual } from "node:assert"
import * as Effect from "effect/Effect"

/** Keeps the value, so that it can stand where the expression stood. */
export const check = <A>(actual: A, expected: unknown, where: string): A => {
  if (Effect.isEffect(actual)) throw new Error(where + ": an effect is not its value")
  deepStrictEqual(actual, expected, where)
  return actual
}
`

const config = {
  extends: relative(folder, join(root, "tsconfig.test.json")),
  compilerOptions: { tsBuildInfoFile: "./examples.tsbuildinfo", noUnusedLocals: false },
  include: ["./*.ts"]
}

export const fileOf = (index: number): string => join(folder, `example-${index}.ts`)

/** Writes every example as a module of its own, beside a `tsconfig.json` that checks them all. */
export const write = (): void => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "check.ts"), check)
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
  for (const [index, example] of examples.entries()) writeFileSync(fileOf(index), toModule(example))
}
