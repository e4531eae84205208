/**
 * The programs of the benches `cold-start` and `size`. Each program logs in once. The programs for `kiteconnect` and
 * `openid-client` are only for `size`. All other programs log in at Angel One and print their CPU time in microseconds.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { contentsOf } from "../packages/contents.ts"
import { run } from "../packages/process.ts"
import { packages } from "../packages/workspace.ts"
import { addressAt, apiKey, code, pin, requestOf } from "./angelLogin.ts"

const clientCode = "A123456"

const text = (value: unknown): string => JSON.stringify(value)

/** For the programs that log in at Angel One without our library. */
const request = `
const url = process.argv[2] + ${text(addressAt(""))}
const { body, ...options } = ${text(requestOf(clientCode))}
const check = ({ status, data }) => {
  if (status !== true || typeof data.jwtToken !== "string") throw new Error("The login did not succeed.")
}
`

/** Does not use `process.stdout`, because its first use takes milliseconds. */
const ending = `
const { system, user } = process.cpuUsage()
writeSync(1, String(system + user))
process.exit()
`

const kiteConnect = `
import { KiteConnect } from "kiteconnect"
const kite = new KiteConnect({ api_key: ${text(apiKey)} })
const { access_token: token } = await kite.generateSession(process.argv[2], process.argv[3])
if (!token) throw new Error("The login did not succeed.")
`

const openIdClient = `
import * as client from "openid-client"
const configuration = await client.discovery(new URL(process.argv[2]), ${text(apiKey)}, process.argv[3])
const { access_token: token } = await client.clientCredentialsGrant(configuration)
if (!token) throw new Error("The login did not succeed.")
`

const node = `
import { writeSync } from "node:fs"
import { request } from "node:http"
${request}
const text = await new Promise((resolve, reject) => {
  const sent = request(url, options, (response) => {
    let text = ""
    response.setEncoding("utf8")
    response.on("data", (chunk) => (text += chunk))
    response.once("end", () => resolve(text))
  })
  sent.once("error", reject)
  sent.end(body)
})
check(JSON.parse(text))
${ending}`

const fetch = `
import { writeSync } from "node:fs"
${request}
const response = await fetch(url, { ...options, body })
check(await response.json())
${ending}`

/** CommonJS, like the examples of `smartapi-javascript`. */
const smartApi = `
const { writeSync } = require("node:fs")
const { SmartAPI } = require("smartapi-javascript")
${request}
const api = new SmartAPI({ api_key: ${text(apiKey)}, root: process.argv[2] })
const main = async () => {
  check(await api.generateSession(${text(clientCode)}, ${text(pin)}, ${text(code)}))
  ${ending}
}
main()
`

/** Folder names in imports from `@auth/broker-core`, such as `login/`. In an old checkout, each name is empty. */
interface Folders {
  readonly broker: string
  readonly login: string
}

/**
 * Makes a program that logs in like the example in the README of `@auth/angel`, but with a fixed one-time code. The
 * program's first argument is the broker's origin.
 */
const oursOn = (client: "FetchClient" | "NodeHttpClient", { broker, login }: Folders): string => `
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as Client from "${client === "FetchClient" ? `@auth/broker-core/${broker}FetchClient` : "@auth/node/NodeHttpClient"}"
import * as CodeSource from "@auth/broker-core/${login}CodeSource"
import * as Login from "@auth/broker-core/${login}Login"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { writeSync } from "node:fs"

const code = Redacted.make(${text(code)})
const Angel = AngelAuth.layer({
  credentials: {
    clientCode: ${text(clientCode)},
    pin: Redacted.make(${text(pin)}),
    apiKey: Redacted.make(${text(apiKey)}),
    totp: CodeSource.fromEffect(() => Effect.succeed(code))
  },
  origins: { api: process.argv[2] }
}).pipe(Layer.provide(${client === "FetchClient" ? "Client.layer" : "Client.layer()"}))

const session = await Effect.runPromise(Effect.provide(Login.session, Angel))
if (session.account.id !== ${text(clientCode)}) throw new Error("The login did not succeed.")
${ending}`

const exists = (file: string): Promise<boolean> =>
  fs.access(file).then(
    () => true,
    () => false
  )

export const compile = async (root: string, names: ReadonlyArray<string>): Promise<void> => {
  const folders = names.map((name) => path.join("packages", name))
  const tsc = (...args: ReadonlyArray<string>) =>
    run(process.execPath, [path.join(root, "node_modules/typescript/bin/tsc"), "-b", ...folders, ...args], {
      cwd: root
    })
  await tsc()
  const outputs = [...names, "core"].map((name) => exists(path.join(root, "packages", name, "dist/index.js")))
  // If only `dist` was removed, the compiler still has its record of the last build, and writes no files.
  if ((await Promise.all(outputs)).includes(false)) await tsc("--force")
}

const bundle = async (folder: string): Promise<void> => {
  // A process that measures a program imports this file too, but does not need `vite`.
  const { build } = await import("vite")
  await build({
    configFile: false,
    logLevel: "error",
    root: folder,
    ssr: { noExternal: true },
    build: {
      ssr: path.join(folder, files.ours),
      outDir: folder,
      emptyOutDir: false,
      minify: true,
      target: "es2023",
      rolldownOptions: {
        output: { format: "es", entryFileNames: files.bundle, chunkFileNames: "bundle-[hash].mjs" }
      }
    }
  })
}

export const files = {
  node: "node.mjs",
  fetch: "fetch.mjs",
  "smartapi-javascript": "smartapi.cjs",
  ours: "ours.mjs",
  "ours-node": "ours-node.mjs",
  kiteconnect: "kiteconnect.mjs",
  "openid-client": "openid-client.mjs",
  bundle: "bundle.mjs"
}

/** In a checkout from before 2026-11-27, all modules of core are in one folder. */
const foldersOf = async (root: string): Promise<Folders> =>
  (await exists(path.join(root, "packages/core/src/login/Login.ts")))
    ? { broker: "broker/", login: "login/" }
    : { broker: "", login: "" }

/** Writes our packages as they are published, and links the third-party packages of the checkout `root`. */
const install = async (root: string, folder: string): Promise<void> => {
  const modules = path.join(folder, "node_modules")
  await fs.mkdir(modules)
  const ours = packages(root).filter((pkg) => installed.includes(pkg.folder))
  const scope = path.dirname(ours[0]?.manifest.name ?? "")
  for (const name of await fs.readdir(path.join(root, "node_modules"))) {
    if (name !== scope && !name.startsWith("."))
      await fs.symlink(path.join(root, "node_modules", name), path.join(modules, name), "junction")
  }
  for (const pkg of ours) {
    for (const [file, text] of await contentsOf(pkg)) {
      const target = path.join(modules, pkg.manifest.name, file)
      await fs.mkdir(path.dirname(target), { recursive: true })
      await fs.writeFile(target, text)
    }
  }
}

const installed = ["angel", "core", "node"]

export const writePrograms = async (root: string, folder: string): Promise<void> => {
  await compile(root, installed)
  await install(root, folder)
  const folders = await foldersOf(root)
  const programs = {
    [files.node]: node,
    [files.fetch]: fetch,
    [files["smartapi-javascript"]]: smartApi,
    [files.kiteconnect]: kiteConnect,
    [files["openid-client"]]: openIdClient,
    [files.ours]: oursOn("FetchClient", folders),
    [files["ours-node"]]: oursOn("NodeHttpClient", folders)
  }
  for (const [file, program] of Object.entries(programs)) await fs.writeFile(path.join(folder, file), program)
  await bundle(folder)
}
