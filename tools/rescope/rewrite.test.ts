import { assert, describe, it } from "@effect/vitest"
import { problemOf, rewrite } from "./rewrite.ts"

const from = "@old"
const to = "@new"
const names = new Set(["angel", "broker-core", "source"])

const rewritten = (text: string, scopes = { from, to }) => rewrite(text, { ...scopes, names })

describe("rewrite", () => {
  it.each([
    ["in the name of a package", `import "@old/angel"`, `import "@new/angel"`],
    ["in the name of a module", "`@old/broker-core/login/Login`.", "`@new/broker-core/login/Login`."],
    ["in a name at the end of a sentence", "It needs @old/angel.", "It needs @new/angel."],
    ["in the name of the export condition", "--conditions=@old/source", "--conditions=@new/source"],
    [
      "in a regular expression",
      "/^@old\\/broker-core(\\/|$)/ ^(@old/[a-z-]+)$",
      "/^@new\\/broker-core(\\/|$)/ ^(@new/[a-z-]+)$"
    ],
    ["before a placeholder", "`@old/${broker}` @old/__id__ @old/*", "`@new/${broker}` @new/__id__ @new/*"],
    ["if no name follows it", `node_modules/@old", "@old"`, `node_modules/@new", "@new"`],
    ["in a setting of npm", "npm_config_@old:registry @old:registry=", "npm_config_@new:registry @new:registry="],
    ["twice in a line", "@old/angel @old/angel", "@new/angel @new/angel"]
  ])("replaces the npm scope %s", (_, text, expected) => {
    const result = rewritten(text)
    assert.strictEqual(result.text, expected)
    assert.strictEqual(result.count, expected.split("@new").length - 1)
    assert.deepStrictEqual(result.foreign, [])
  })

  it.each(["i@old.example", "a.b@old", "x-@old/angel", "@older/angel", "@old-2/angel", "@old_2", "user_@old.example"])(
    "leaves %s unchanged",
    (text) => assert.deepStrictEqual(rewritten(text), { text, count: 0, foreign: [] })
  )

  it("reports unknown names in the old scope, and does not change them", () => {
    const text = "`@old/core`, @old/angel-two and @old/sourced"
    assert.deepStrictEqual(rewritten(text), {
      text,
      count: 0,
      foreign: ["@old/core", "@old/angel-two", "@old/sourced"]
    })
  })

  it("accepts a dot in the old scope and in the new scope", () => {
    const first = rewritten("@old/angel @oldXother/angel", { from, to: "@my.org" }).text
    assert.strictEqual(first, "@my.org/angel @oldXother/angel")
    assert.strictEqual(
      rewritten("@my.org/angel @myXorg/angel @my/angel", { from: "@my.org", to }).text,
      "@new/angel @myXorg/angel @my/angel"
    )
    assert.strictEqual(rewritten(first, { from: "@my.org", to: from }).text, "@old/angel @oldXother/angel")
  })
})

describe("problemOf: the new scope", () => {
  const problem = (scope: string) => problemOf(scope, { from, names, taken: new Set(["@effect"]) })

  it.each(["@acme", "@a", "@my-org", "@my_org.2", "@9to5"])("may be %s", (scope) => assert.isUndefined(problem(scope)))

  it.each([
    ["acme", /"acme" cannot be an npm scope: use "@"/],
    ["", /cannot be an npm scope/],
    ["@", /cannot be an npm scope/],
    ["@Acme", /cannot be an npm scope/],
    ["@acme/", /cannot be an npm scope/],
    ["@acme/angel", /cannot be an npm scope/],
    ["@.acme", /cannot be an npm scope/],
    ["@acme.", /cannot be an npm scope/],
    ["@ac me", /cannot be an npm scope/],
    ["@acme\n", /cannot be an npm scope/],
    ["@é", /cannot be an npm scope/],
    [`@${"a".repeat(202)}`, /too long: .* at most 202 characters/],
    [from, /already have the scope @old/],
    ["@effect", /the scope of packages that this repository installs/]
  ])("may not be %j", (scope, message) => assert.match(problem(scope) ?? "", message))
})
