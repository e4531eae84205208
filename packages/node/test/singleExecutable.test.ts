import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { build } from "vite"
import { freshFolder } from "./support.ts"

const root = Path.join(import.meta.dirname, "../../..")

/** A marker in the executable of Node. Source: https://nodejs.org/api/single-executable-applications.html. */
const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2"

/** Each time the executable starts, it appends an `x` to the file `starts`. */
const makeExecutable = async (folder: string, starts: string): Promise<string> => {
  const conditions = ["@auth/source"]
  await build({
    configFile: false,
    logLevel: "error",
    root,
    resolve: { conditions },
    ssr: { noExternal: true, resolve: { conditions } },
    build: {
      ssr: Path.join(import.meta.dirname, "programs/keyring.ts"),
      outDir: folder,
      emptyOutDir: false,
      rolldownOptions: {
        output: {
          format: "cjs",
          codeSplitting: false,
          entryFileNames: "app.cjs",
          banner: `require("node:fs").appendFileSync(${JSON.stringify(starts)}, "x")`
        }
      }
    }
  })
  const [config, blob, app] = ["sea.json", "app.blob", "app"].map((name) => Path.join(folder, name)) as [
    string,
    string,
    string
  ]
  const main = Path.join(folder, "app.cjs")
  Fs.writeFileSync(config, JSON.stringify({ main, output: blob, disableExperimentalSEAWarning: true }))
  execFileSync(process.execPath, ["--experimental-sea-config", config], { stdio: "pipe" })
  Fs.copyFileSync(process.execPath, app)
  const inject = Path.join(root, "node_modules/postject/dist/cli.js")
  execFileSync(process.execPath, [inject, app, "NODE_SEA_BLOB", blob, "--sentinel-fuse", fuse], { stdio: "pipe" })
  return app
}

// On macOS, for example, a changed executable needs a new signature.
it.live.skipIf(process.platform !== "linux")(
  "a single executable cannot read the keyring, and starts no copy of itself",
  () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      Fs.mkdirSync(folder, { recursive: true })
      const starts = Path.join(folder, "starts")
      const app = yield* Effect.promise(() => makeExecutable(folder, starts))
      const vault = Path.join(folder, "vault")
      const module = Path.join(folder, "no-keyring.cjs")
      Fs.writeFileSync(module, `exports.Entry = class { getPassword() { return null } setPassword() {} }`)
      const said = execFileSync(app, [vault, module], { encoding: "utf8", timeout: 30_000 })
      assert.match(said, /"reason":"KeyUnavailable".*single executable/)
      assert.strictEqual(Fs.readFileSync(starts, "utf8"), "x")
    }),
  { tags: ["thorough"], timeout: 120_000 }
)
