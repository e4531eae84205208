import { assert, describe, it } from "@effect/vitest"
import { absoluteLinks, fieldsOf, mapLinks, pathOf, relativeLinks, url, webOf } from "./repository.ts"
import { checkPage } from "./tarballs.ts"
import { packages } from "./workspace.ts"

const other = "git+https://other.example/group/name.git"
const web = webOf(url)
const readme = "packages/angel/README.md"

describe("the address of the repository", () => {
  for (const pkg of packages()) {
    it(`is in the manifest of ${pkg.folder}, and the README has no relative link`, () =>
      assert.doesNotThrow(() => checkPage(pkg)))
  }

  it("is checked: the error names the manifest's missing and wrong fields", () => {
    const [pkg] = packages()
    const manifest = { ...pkg!.manifest, bugs: undefined, homepage: "https://other.example" }
    assert.throws(() => checkPage({ ...pkg!, manifest }), /"homepage" must be .*\n.*"bugs" must be/)
  })

  it.each(["https://git.example/owner/name", "git+ssh://git.example/owner/name.git", "git+https://git.example/.git"])(
    "cannot be %s",
    (wrong) => assert.throws(() => webOf(wrong), /Set repository.url in package.json/)
  )

  it("determines three fields of a package's manifest", () => {
    assert.deepStrictEqual(fieldsOf("packages/angel"), {
      repository: { type: "git", url, directory: "packages/angel" },
      homepage: `${web}/tree/main/packages/angel#readme`,
      bugs: { url: `${web}/issues` }
    })
  })
})

describe("links of a package's README", () => {
  it("become absolute links to the repository", () => {
    const text =
      "[core](../core), [start](../../docs/start.md#install) ![page](../../docs/screenshots/open-1280-light.png)"
    assert.strictEqual(
      absoluteLinks(readme, text, url),
      `[core](${web}/tree/main/packages/core), [start](${web}/blob/main/docs/start.md#install) ` +
        `![page](${web}/raw/main/docs/screenshots/open-1280-light.png)`
    )
  })

  it("are updated if the address of the repository changes", () => {
    const text =
      "[start](https://other.example/group/name/blob/main/docs/start.md) [theirs](https://other.example/a/blob/main/README.md)"
    assert.strictEqual(
      absoluteLinks(readme, text, other),
      `[start](${web}/blob/main/docs/start.md) [theirs](https://other.example/a/blob/main/README.md)`
    )
  })

  it.each(["[a](../nobody)", `[a](${web}/blob/main/docs/nobody.md)`, "[a](../../../outside)"])(
    "are rejected if they lead to no file: %s",
    (text) => assert.throws(() => absoluteLinks(readme, text, url), /README.md: the link .* leads to no file/)
  )

  it("are found in Markdown and in HTML tags, but not in code", () => {
    const text = [
      '[`code`](../a) ![picture](b.png) [angle](<c d.md>) [title](d.md "title")',
      "[reference]: ../e",
      '<a class="x" href="f.md">f</a> <img src="/g.png">',
      "[anchor](#here) [web](https://h.example) [mail](mailto:i@h.example)",
      "`[code](j)`",
      "```\n[block](k)\n```"
    ].join("\n\n")
    assert.deepStrictEqual(relativeLinks(text).toSorted(), ["../a", "../e", "/g.png", "b.png", "c", "d.md", "f.md"])
    assert.strictEqual(
      mapLinks(text, (link) => link),
      text
    )
  })

  it("are converted to a path only if they are absolute links to the repository's main branch", () => {
    assert.strictEqual(pathOf(`${web}/tree/main/docs#a`), "docs#a")
    for (const link of [web, `${web}/issues`, "../docs", "https://other.example/x/blob/main/docs"])
      assert.isUndefined(pathOf(link))
  })
})
