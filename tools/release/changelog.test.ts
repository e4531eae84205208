import { assert, it } from "@effect/vitest"
import { getDependencyReleaseLine, getReleaseLine } from "./changelog.ts"

it("all paragraphs of a changeset are in one list item", async () => {
  const line = await getReleaseLine({ summary: "First release.\n\nIt logs in.\n" })
  assert.strictEqual(line, "- First release.\n\n  It logs in.")
})

it("a changelog names the minimum version of each dependency", async () => {
  const needed = [
    { name: "@auth/angel", newVersion: "0.1.1" },
    { name: "@auth/samco", newVersion: "0.2.0" }
  ]
  assert.strictEqual(
    await getDependencyReleaseLine([], needed),
    "- Needs `@auth/angel` 0.1.1 or newer, `@auth/samco` 0.2.0 or newer."
  )
  assert.strictEqual(await getDependencyReleaseLine([], []), "")
})
