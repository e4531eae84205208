import { afterAll, assert, describe, it } from "@effect/vitest"
import * as esbuild from "esbuild"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { rolldown } from "rolldown"

const root = Path.join(import.meta.dirname, "../../..")
const folder = Fs.mkdtempSync(Path.join(Fs.realpathSync(Os.tmpdir()), "broker-auth-bundles-"))
afterAll(() => Fs.rmSync(folder, { recursive: true }))

const conditions = ["@auth/source"]
const external = ["open"]

type Format = "esm" | "cjs"
type Bundle = (program: string, file: string, format: Format, banner: string) => Promise<ReadonlyArray<string>>

const bundlers: Readonly<Record<string, Bundle>> = {
  esbuild: async (program, file, format, banner) => {
    const { warnings } = await esbuild.build({
      stdin: { contents: program, resolveDir: root },
      outfile: file,
      bundle: true,
      platform: "node",
      logLevel: "silent",
      banner: { js: banner },
      conditions,
      external,
      format
    })
    return warnings.map(({ text }) => text)
  },
  rolldown: async (program, file, format, banner) => {
    const input = Path.join(root, "packages/node/test/entry.js")
    const warnings: Array<string> = []
    const build = await rolldown({
      input,
      platform: "node",
      external,
      resolve: { conditionNames: ["@auth/source", "import", "node", "default"] },
      plugins: [
        {
          name: "entry",
          resolveId: (source) => (source === input ? source : null),
          load: (id) => (id === input ? program : null)
        }
      ],
      onLog: (level, { message }) => void (level === "warn" && warnings.push(message))
    })
    await build.write({ file, format, banner, codeSplitting: false })
    return warnings
  }
}

const run = (file: string) => spawnSync(process.execPath, [file], { encoding: "utf8", env: { HOME: folder } })

for (const [name, bundle] of Object.entries(bundlers)) {
  describe(`a program bundled by ${name}`, () => {
    const modules = ["Connection", "Connections", "NodeVault", "NodeVaultKey", "NodeSessionLock", "NodeHttpClient"]
    for (const module of modules) {
      it(`checks the version of Node when importing ${module}`, { timeout: 60_000 }, async () => {
        const file = Path.join(folder, `${name}-${module}.mjs`)
        const program = `import * as Module from "@auth/node/${module}"; console.log(Object.keys(Module).length > 0)`
        const banner = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.0.0" } });'
        assert.deepStrictEqual(await bundle(program, file, "esm", banner), [])
        const { status, stderr } = run(file)
        assert.notStrictEqual(status, 0)
        assert.include(stderr, "@auth/node needs Node 22.19 or newer, and this is Node 18.0.0.")
      })
    }

    it("finds the keyring package beside a CommonJS bundle", { timeout: 60_000 }, async () => {
      const file = Path.join(folder, `${name}.cjs`)
      const keyring = Path.join(folder, "node_modules/@napi-rs/keyring")
      Fs.mkdirSync(keyring, { recursive: true })
      Fs.writeFileSync(Path.join(keyring, "index.js"), "")
      const program = `
        import * as Effect from "effect/Effect"
        import { findModule } from "./packages/node/src/internal/keyring.ts"
        console.log(Effect.runSync(findModule))`
      await bundle(program.replace("./packages", Path.join(root, "packages")), file, "cjs", "")
      const { stderr, stdout } = run(file)
      assert.strictEqual(stdout.trim(), Path.join(keyring, "index.js"), stderr)
    })
  })
}
