/** A package registry on loopback, for packages of this repository only. */
import * as fs from "node:fs"
import * as path from "node:path"
import { freePort } from "../vitest/freePort.ts"
import { start, stop } from "./process.ts"
import { assert } from "./tarballs.ts"
import { root } from "./workspace.ts"

type Variables = Readonly<Record<string, string>>

export interface Registry {
  readonly url: string
  /** With these environment variables, npm installs our packages from this registry. */
  readonly install: Variables
  /** With these environment variables, npm ignores the user's npmrc, and publishes to this registry only. */
  readonly publish: Variables
}

/** In milliseconds. */
const startLimit = 30_000

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}-/ping`).then(
    (response) => response.ok,
    () => false
  )

const addUser = async (url: string): Promise<string> => {
  const name = "publisher"
  const response = await fetch(`${url}-/user/org.couchdb.user:${name}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name, password: crypto.randomUUID() })
  })
  const { token } = (await response.json()) as { readonly token?: string }
  assert(token !== undefined, `The registry did not add a user. It answered with status ${response.status}.`)
  return token
}

export const withRegistry = async (folder: string, use: (registry: Registry) => Promise<void>): Promise<void> => {
  const port = await freePort()
  const config = path.join(folder, "verdaccio.yaml")
  const userConfig = path.join(folder, "npmrc")
  fs.mkdirSync(folder)
  fs.writeFileSync(userConfig, "")
  fs.writeFileSync(
    config,
    `storage: ${folder}/storage
auth: { htpasswd: { file: ${folder}/htpasswd } }
uplinks: {}
packages: { "@auth/*": { access: $all, publish: $authenticated } }
web: { enable: false }
log: { type: stdout, format: json, level: warn }
`
  )
  const registry = start(
    process.execPath,
    [path.join(root, "node_modules/verdaccio/bin/verdaccio"), "--config", config, "--listen", `127.0.0.1:${port}`],
    { cwd: folder }
  )
  let printed = ""
  registry.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()))
  registry.stderr?.on("data", (chunk: Buffer) => (printed += chunk.toString()))
  const url = `http://127.0.0.1:${port}/`
  try {
    const deadline = performance.now() + startLimit
    while (!(await isReady(url))) {
      assert(
        registry.exitCode === null && performance.now() < deadline,
        `The registry ended, or did not start within ${startLimit / 1000} s:\n${printed}`
      )
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    const install = { "npm_config_@auth:registry": url }
    const token = { [`npm_config_//127.0.0.1:${port}/:_authToken`]: await addUser(url) }
    await use({
      url,
      install,
      publish: { ...install, ...token, npm_config_registry: url, npm_config_userconfig: userConfig }
    })
  } finally {
    await stop(registry)
  }
}
