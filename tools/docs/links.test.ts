import { assert, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { deadLinks } from "./links.ts"

it("deadLinks reports only links to absent pages and elements", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-links-"))
  try {
    const link = (href: string) => `<a href="${href}">text</a>`
    const good = [
      "b",
      "b.html?x=1&amp;y=2",
      "b#part",
      "b#part%23two",
      "c%23d.html",
      "#own",
      "100%",
      "https://example.com/"
    ]
    const dead = ["absent", "b#absent", "c#d"]
    fs.writeFileSync(path.join(folder, "a.html"), `<p id="own"></p>${[...good, ...dead].map(link).join("")}`)
    fs.writeFileSync(path.join(folder, "b.html"), `<p id="part"></p><p id="part#two"></p>`)
    fs.writeFileSync(path.join(folder, "c#d.html"), "")
    fs.writeFileSync(path.join(folder, "100%.html"), "")
    assert.deepStrictEqual(deadLinks(folder), [
      "a.html: absent names no page",
      "a.html: b#absent names no element of b.html",
      "a.html: c#d names no page"
    ])
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
})
