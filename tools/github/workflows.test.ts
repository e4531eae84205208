import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as path from "node:path"
import { parse } from "yaml"
import manifest from "../../package.json" with { type: "json" }
import { files, root } from "../packages/workspace.ts"
import { problemsOf } from "./workflows.ts"

const folder = path.join(root, ".github/workflows")
const scripts = new Set(Object.keys(manifest.scripts))

const pinned = "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8"

const sound = `on: push
permissions: {}
concurrency: test
jobs:
  one:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions:
      contents: read
    steps:
      - uses: ${pinned}
        with:
          persist-credentials: false
      - run: npm run -s check -- --skip tests
`

const broken: ReadonlyArray<readonly [from: string, to: string, problem: RegExp]> = [
  ["runs-on: ubuntu-latest", "runs-on: ubuntu-latst", /line 6: label "ubuntu-latst" is unknown/],
  ["timeout-minutes: 5", "timeout: 5", /line 7: unexpected key "timeout"/],
  ["- run: npm", "- run: echo ${{ github.head_ref }} && npm", /line 14: "github.head_ref" is potentially untrusted/],
  ["- run: npm", "- run: echo ${{ github.sha }} && npm", /^job one: a script contains an expression/],
  ["permissions: {}\n", "", /^the workflow has no line "permissions: \{\}"$/],
  ["permissions: {}", "permissions: read-all", /^the workflow has no line "permissions: \{\}"$/],
  ["concurrency: test\n", "", /^the workflow has no concurrency$/],
  ["    permissions:\n      contents: read\n", "", /^job one: has no permissions$/],
  ["    timeout-minutes: 5\n", "", /^job one: has no timeout-minutes$/],
  [pinned, "actions/checkout@v5", /^job one: actions\/checkout@v5 is not pinned to a full commit SHA$/],
  [pinned, pinned.slice(0, -1), /is not pinned to a full commit SHA$/],
  ["persist-credentials: false", "fetch-depth: 1", /^job one: the checkout keeps its token/],
  ["check --", "chek --", /^job one: package.json has no script "chek"$/],
  ["npm run -s check -- --skip tests", "npm test && npm run gone", /^job one: package.json has no script "gone"$/]
]

describe("GitHub workflows", () => {
  it.each(files(folder))("%s has no problem", (file) => {
    assert.deepStrictEqual(problemsOf(file, fs.readFileSync(path.join(folder, file), "utf8"), scripts), [])
  })

  it("have the names ci, release and version", () => {
    assert.deepStrictEqual(files(folder), ["ci.yml", "release.yml", "version.yml"])
  })

  it("pin each action to one commit, with its version in a comment", () => {
    const texts = files(folder).map((file) => fs.readFileSync(path.join(folder, file), "utf8"))
    const lines = texts.flatMap((text) => text.match(/uses: .*/g) ?? [])
    for (const line of lines) assert.match(line, /@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    const actions = new Set(lines.map((line) => line.split("@")[0]))
    assert.strictEqual(new Set(lines).size, actions.size)
  })

  it("grant id-token in release.yml only to the publish job", () => {
    const release = fs.readFileSync(path.join(folder, "release.yml"), "utf8")
    const { jobs } = parse(release) as { readonly jobs: Record<string, { readonly permissions: object }> }
    const signing = Object.keys(jobs).filter((name) => "id-token" in jobs[name]!.permissions)
    assert.deepStrictEqual(signing, ["publish"])
  })
})

describe("problemsOf", () => {
  it("finds no problem in a sound workflow", () => assert.deepStrictEqual(problemsOf("a.yml", sound, scripts), []))

  it.each(broken)("reports one problem if %j is changed to %j", (from, to, problem) => {
    const text = sound.replace(from, to)
    assert.notStrictEqual(text, sound)
    const problems = problemsOf("a.yml", text, scripts)
    assert.lengthOf(problems, 1)
    assert.match(problems[0]!, problem)
  })
})
