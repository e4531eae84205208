import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { hasDisplay } from "../src/internal/openBrowser.ts"
import { apiKey, code, freePort } from "./redirectSupport.ts"
import { start } from "./support.ts"

describe("hasDisplay", () => {
  it.each([
    ["linux", {}, false],
    ["linux", { DISPLAY: ":0" }, true],
    ["linux", { DISPLAY: "" }, false],
    ["linux", { WAYLAND_DISPLAY: "wayland-0" }, true],
    ["linux", { WSL_DISTRO_NAME: "Debian" }, true],
    ["linux", { DISPLAY: ":0", SSH_CONNECTION: "10.0.0.1 1 10.0.0.2 22" }, false],
    ["linux", { DISPLAY: ":0", CI: "true" }, false],
    ["darwin", {}, true],
    ["darwin", { SSH_TTY: "/dev/ttys001" }, false],
    ["win32", {}, true],
    ["win32", { CI: "1" }, false]
  ] as const)("on %s with the variables %j is %s", (platform, env, expected) => {
    assert.strictEqual(hasDisplay(platform, env), expected)
  })
})

const browser = (folder: string, visit: string): string => {
  const file = Path.join(folder, "browser.mjs")
  Fs.writeFileSync(
    file,
    `#!${process.execPath}
import * as fs from "node:fs"
import * as http from "node:http"
fs.writeFileSync(${JSON.stringify(Path.join(folder, "arguments"))}, process.argv.slice(2).join(" "))
const get = (url) => new Promise((resolve) => http.get(url, (response) => {
  response.resume()
  response.on("end", () => resolve(response.headers.location))
}))
${visit}
`,
    { mode: 0o755 }
  )
  return file
}

const visitAndReturn = (redirectUrl: string) => `
const page = await get(process.argv[2])
const state = new URL(page).searchParams.get("state")
const last = await get(${JSON.stringify(redirectUrl)} + "?code=${code}&state=" + state)
await get(new URL(last, ${JSON.stringify(redirectUrl)}))
`

/** Clears the variables that mark a machine without a display. */
const local = { CI: "", SSH_CONNECTION: "", SSH_TTY: "" }

/** Hides the installed browsers, so that `xdg-open` starts the command in `BROWSER`. */
const withoutBrowsers = (folder: string) => ({ HOME: folder, XDG_DATA_HOME: folder, XDG_DATA_DIRS: folder })

const run = Effect.fnUntraced(function* (
  visit: (redirectUrl: string) => string,
  env: Readonly<Record<string, string>>,
  redirectUrl: string
) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "broker-auth-browser-"))),
    (made) => Effect.sync(() => Fs.rmSync(made, { recursive: true }))
  )
  const command = browser(folder, visit(redirectUrl))
  const program = yield* start("browserLogin.ts", [redirectUrl], {
    env: {
      ...local,
      ...withoutBrowsers(folder),
      // `xdg-open` splits a command at spaces, and the path of the folder may have a space.
      BROWSER: Path.basename(command),
      PATH: `${folder}${Path.delimiter}${process.env["PATH"]}`,
      ...env
    }
  })
  return { ...program, argumentsOf: () => Fs.readFileSync(Path.join(folder, "arguments"), "utf8") }
})

describe.runIf(process.platform === "linux")("the machine's browser", () => {
  it.live("opens an address that does not contain the API key, and completes the login", () =>
    Effect.gen(function* () {
      const redirectUrl = `http://127.0.0.1:${yield* freePort}/callback`
      const program = yield* run(visitAndReturn, { DISPLAY: ":99" }, redirectUrl)
      yield* program.says("session")
      assert.deepStrictEqual(yield* program.ended, { code: 0, signal: null })
      assert.match(program.argumentsOf(), /^http:\/\/127\.0\.0\.1:\d+\/start\/[0-9a-f]{32}$/)
      assert.include(program.printed.stderr, "Log in on the page in your browser.")
      assert.notInclude(program.printed.stderr + program.printed.stdout, apiKey)
    })
  )

  it.live("is not started without a display", () =>
    Effect.gen(function* () {
      const redirectUrl = `http://127.0.0.1:${yield* freePort}/callback`
      const program = yield* run(() => "", { DISPLAY: "", WAYLAND_DISPLAY: "", WSL_DISTRO_NAME: "" }, redirectUrl)
      while (!program.printed.stderr.includes("/start/")) yield* Effect.sleep("20 millis")
      assert.include(program.printed.stderr, "Open this address in a browser on this machine, and log in:")
      assert.throws(program.argumentsOf)
    })
  )

  it.live("counts as not started if its command fails", () =>
    Effect.gen(function* () {
      const redirectUrl = `http://127.0.0.1:${yield* freePort}/callback`
      const program = yield* run(() => "process.exit(1)", { DISPLAY: ":99" }, redirectUrl)
      while (!program.printed.stderr.includes("/start/")) yield* Effect.sleep("20 millis")
      assert.include(program.argumentsOf(), "/start/")
      assert.include(program.printed.stderr, "Open this address in a browser on this machine, and log in:")
    })
  )
})

it.live.runIf(process.platform === "linux")(
  "a program that waits for a pasted address ends on SIGINT or end of input",
  () =>
    Effect.gen(function* () {
      const publicUrl = "https://app.example.com/callback"
      const closed = yield* run(() => "", { DISPLAY: "" }, publicUrl)
      closed.child.stdin.end("https://app.exa\n")
      yield* closed.says("Standard input has ended")
      assert.deepStrictEqual(yield* closed.ended, { code: 0, signal: null })
      assert.include(
        closed.printed.stderr,
        "This address is not at https://app.example.com/callback: its host, port or path is different."
      )
      const killed = yield* run(() => "", { DISPLAY: "" }, publicUrl)
      while (!killed.printed.stderr.includes("paste it here")) yield* Effect.sleep("20 millis")
      killed.child.kill("SIGINT")
      assert.deepStrictEqual(yield* killed.ended, { code: null, signal: "SIGINT" })
    })
)
