import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { namesIn, type Plan, tarballFolder, writePlan } from "./plan.ts"

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-plan-"))

const release = (kind: string, name: string) => ({ kind, name, version: "1.0.0", tag: "latest" })

const plan: Plan = { version: 1, plan: [[release("publish", "core")], [release("tag-only", "private")]] }

describe("the plan of a release", () => {
  afterAll(() => fs.rmSync(folder, { recursive: true }))

  it("names the packages to publish", () => assert.deepStrictEqual(namesIn(plan), ["core"]))

  it("contains the tarball and the hash of each package to publish", () => {
    fs.mkdirSync(path.join(folder, tarballFolder))
    const tarball = path.join(folder, tarballFolder, "core-1.0.0.tgz")
    fs.writeFileSync(tarball, "abc")
    writePlan(folder, plan, new Map([["core", tarball]]))
    assert.deepStrictEqual(JSON.parse(fs.readFileSync(path.join(folder, "publish-plan.json"), "utf8")), {
      version: 1,
      plan: [
        [
          {
            ...release("publish", "core"),
            // SHA-256 of "abc", from FIPS 180-2, appendix B.1, in base64.
            tarball: {
              path: "packages/core-1.0.0.tgz",
              integrity: "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
            }
          }
        ],
        [release("tag-only", "private")]
      ]
    })
  })

  it("requires the tarball of each package to publish", () =>
    assert.throws(() => writePlan(folder, plan, new Map()), /core was not packed/))
})
