import { assert, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { installLine } from "../src/internal/brokers.ts"

it("the printed install command names the place where @auth/cli is installed", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-install-"))
  try {
    const lineIn = (name: string, isProject: boolean) => {
      const prefix = path.join(folder, name)
      fs.mkdirSync(prefix)
      if (isProject) fs.writeFileSync(path.join(prefix, "package.json"), "{}")
      return installLine("@auth/angel", `${prefix}/node_modules/@auth/cli/dist/main.js`)
    }
    assert.strictEqual(lineIn("project", true), `npm install --prefix ${folder}/project @auth/angel`)
    assert.strictEqual(lineIn("my project", true), `npm install --prefix "${folder}/my project" @auth/angel`)
    assert.strictEqual(lineIn("lib", true), "npm install --global @auth/angel")
    assert.strictEqual(lineIn("npm", false), "npm install --global @auth/angel")
    assert.strictEqual(installLine("@auth/angel", `${folder}/checkout/src/brokers.ts`), "npm install @auth/angel")
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
})
