import { assert, it } from "@effect/vitest"
import { Login } from "@auth/broker-core"
import type { FakeBroker } from "@auth/broker-core/testing"
import { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { brokers } from "../src/internal/brokers.ts"
import { account, angel, api, eventually, feed, send, site } from "./support.ts"

const folder = join(import.meta.dirname, "..")

/** A process may take seconds to start on a busy machine. */
const timeout = 90_000

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

const start = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--conditions=@auth/source", join(folder, "src/bin.ts"), ...args], {
        stdio: ["ignore", "pipe", "pipe"]
      })
    ),
    (running) => Effect.sync(() => void running.kill("SIGKILL"))
  )
  const printed = { stdout: "", stderr: "" }
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk) => (printed[name] += String(chunk)))
  }
  const ended = new Promise<Ended>((resolve) =>
    child.once("close", (code, signal) => resolve({ code, signal, ...printed }))
  )
  return { child, printed, ended: Effect.promise(() => ended) }
})

const until = (child: ChildProcess, holds: () => boolean): Effect.Effect<void> =>
  Effect.promise(
    () =>
      new Promise<void>((resolve, reject) => {
        const look = () => holds() && resolve()
        child.stdout?.on("data", look)
        child.once("close", () => reject(new Error("The simulator ended before it was ready.")))
        look()
      })
  )

const startJson = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
  const running = yield* start("--json", ...args)
  yield* until(running.child, () => running.printed.stdout.includes("\n"))
  return { ...running, info: JSON.parse(running.printed.stdout) as Simulator.Info }
})

it.live(
  "broker-auth-simulator --json prints one line with addresses and credentials",
  () =>
    Effect.gen(function* () {
      const { child, ended, info } = yield* startJson("--broker", "angel")
      assert.deepStrictEqual(Object.keys(info), ["control", "origins", "brokers"])
      assert.deepStrictEqual(Object.keys(info.origins), [api, site, feed])
      assert.deepStrictEqual(info.brokers, { angel: { accounts: [{ ...account }] } })
      const session = yield* Login.session.pipe(Effect.provide(angel(info)))
      assert.strictEqual(session.account.id, account.clientCode)
      child.kill("SIGTERM")
      const { stderr, stdout } = yield* ended
      assert.strictEqual(stdout.trimEnd().split("\n").length, 1)
      assert.strictEqual(stderr, "")
    }),
  timeout
)

for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
  it.live(
    `broker-auth-simulator stops at once on ${signal}`,
    () =>
      Effect.gen(function* () {
        const { child, ended, info } = yield* startJson()
        yield* send(`${info.control}/`)
        yield* send(`${info.control}/faults`, {
          method: "POST",
          body: '{"broker":"angel","endpoint":"*","fault":{"kind":"latency","duration":"20 seconds"}}'
        })
        yield* Effect.forkDetach(Effect.exit(Effect.tryPromise(() => globalThis.fetch(`${info.origins[api]}/`))))
        const journal = send(`${info.control}/journal`)
        yield* eventually(Effect.map(journal, ({ text }) => text.includes("unknown")))
        child.kill(signal)
        const exit = yield* ended.pipe(Effect.timeout("5 seconds"))
        assert.strictEqual(exit.code, 0, `${exit.signal} ${exit.stderr}`)
      }),
    timeout
  )
}

it.live(
  "broker-auth-simulator --port opens consecutive ports, and refuses a port in use",
  () =>
    Effect.gen(function* () {
      const first = yield* startJson()
      const taken = Number(new URL(first.info.control).port)
      const second = yield* start("--port", String(taken))
      const refused = yield* second.ended
      assert.strictEqual(refused.code, 1)
      assert.strictEqual(refused.stdout, "")
      assert.match(refused.stderr, /^broker-auth-simulator: Port \d+ on 127\.0\.0\.1 is in use: .*\n$/)
      // The ports here are 20,000 to 31,199. By default, Linux, macOS and Windows have higher ephemeral ports.
      // Concurrent runs usually use different ports, because their process ids differ.
      const port = 20_000 + (process.pid % 350) * 32
      const third = yield* startJson("--port", String(port))
      const addresses = [third.info.control, ...Object.values(third.info.origins)]
      assert.isAbove(addresses.length, 4)
      assert.isAtMost(addresses.length, 32)
      assert.deepStrictEqual(
        addresses,
        addresses.map((_, offset) => `http://127.0.0.1:${port + offset}`)
      )
    }),
  { tags: ["thorough"], timeout }
)

const misuses: ReadonlyArray<readonly [args: ReadonlyArray<string>, code: number, says: RegExp]> = [
  [["--port", "abc"], 2, /--port must be a number from 0 to 65535, not "abc"/],
  [["--json", "--json"], 2, /--json is given more than once/],
  [["--seed", "/nowhere.json"], 2, /--seed needs a file/],
  [["--port", "65534"], 1, /65535/]
]

it.live(
  "broker-auth-simulator reports wrong arguments in one line",
  () =>
    Effect.gen(function* () {
      const started = yield* Effect.forEach(misuses, ([args]) => start(...args))
      for (const [index, [args, code, says]] of misuses.entries()) {
        const exit = yield* started[index]?.ended ?? Effect.die("The simulator was not started")
        assert.strictEqual(exit.code, code, args.join(" "))
        assert.match(exit.stderr, says)
        assert.strictEqual(exit.stderr.trimEnd().split("\n").length, 1, exit.stderr)
        assert.strictEqual(exit.stdout, "")
      }
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "broker-auth-simulator --help prints the usage",
  () =>
    Effect.gen(function* () {
      const exit = yield* (yield* start("--help")).ended
      assert.strictEqual(exit.code, 0)
      assert.match(exit.stdout, /not real/)
      for (const flag of ["--port", "--broker", "--json", "--help"]) assert.include(exit.stdout, flag)
      assert.include(exit.stdout, `(${Simulator.brokerIds.join(", ")})`)
    }),
  timeout
)

/** Replaces curl on machines without curl. Supports only the curl options that the README uses. */
const curlShim = `curl() { '${process.execPath}' -e '
  const args = process.argv.slice(1), headers = {}
  let body, url, redirect = "follow"
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "-H") { const [name, value] = args[++i].split(/: (.*)/); headers[name] = value }
    else if (args[i] === "-d") body = args[++i]
    else if (args[i] === "-o") i++
    else if (args[i] === "-w") { i++; redirect = "manual" }
    else if (args[i] !== "-s") url = args[i]
  }
  if (body !== undefined) headers["Content-Type"] ??= "application/x-www-form-urlencoded"
  fetch(url, { headers, body, redirect, method: body === undefined ? "GET" : "POST" })
    .then((r) => redirect === "manual" ? r.headers.get("location") : r.text()).then((t) => process.stdout.write(t))
' -- "$@"; }
`

const hasCurl = spawnSync("curl", ["--version"]).status === 0

const runShell = (script: string): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const child = spawn("sh", ["-eu", "-c", hasCurl ? script : curlShim + script], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let printed = ""
    child.stdout.on("data", (chunk) => (printed += String(chunk)))
    child.once("close", () => resume(Effect.succeed(printed)))
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

const assertTokens = (answer: string) => {
  const { data, status } = JSON.parse(answer) as { readonly status: boolean; readonly data: Record<string, string> }
  assert.isTrue(status, answer)
  assert.deepStrictEqual(Object.keys(data), ["jwtToken", "refreshToken", "feedToken"])
}

const readme = readFileSync(join(folder, "README.md"), "utf8")

const blockOf = (language: string): string =>
  new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1] ?? ""

/** In the README, each shell block except the first follows a broker's title in bold. */
const [before, ...logins] = Array.from(
  readme.matchAll(/(?:^\*\*([^*]+)\*\*.*\n\n)?```sh\n([\s\S]*?)```/gm),
  ([, broker = "", script = ""]) => ({ broker, script })
)

/** The keys are the brokers' titles in the README. The output of each login must match `answer`. */
const titles: Readonly<Record<string, readonly [id: string, answer: RegExp]>> = {
  "Angel One": ["angel", /"status":true.*"jwtToken":"[^"]+"/],
  "Motilal Oswal": ["motilal", /"status":"SUCCESS".*"accesstoken":"[^"]+"\}$/],
  Rupeezy: ["rupeezy", /"status":"success".*"access_token":"[^"]+"/],
  Samco: ["samco", /"status":"Success".*"sessionToken":"[^"]+"/],
  RMoney: ["rmoney", /"status":"Ok".*"accessToken":"[^"]+"/],
  Zerodha: ["zerodha", /"status":"success".*"access_token":"[^"]+"/]
}

const separator = "\n-- next --\n"

it.live(
  "the README's curl lines log in",
  () =>
    Effect.gen(function* () {
      const { info } = yield* startJson()
      const preparation = before?.script.replace("http://127.0.0.1:4010", info.control) ?? ""
      assert.include(preparation, info.control)
      const broken = logins.filter(({ broker }) => titles[broker] === undefined)
      assert.deepStrictEqual(broken, [])
      for (const [title, [id, answer]] of Object.entries(titles)) {
        const scripts = logins.filter(({ broker }) => broker === title).map(({ script }) => script)
        assert.isNotEmpty(scripts, `The README has no curl lines for ${title}.`)
        // One shell runs all logins of a broker: a login may use the shell functions of an earlier login.
        const printed = yield* runShell(preparation + scripts.join(`printf '${separator}'\n`))
        const answers = printed.split(separator)
        assert.strictEqual(answers.length, scripts.length, title)
        for (const text of answers) assert.match(text, answer, id)
      }
      // The README may omit a broker for which the simulator itself prints curl lines.
      const described = Object.values(titles).map(([id]) => id)
      for (const id of Simulator.brokerIds) {
        assert.isTrue(
          described.includes(id) || brokers[id].descriptor.curl !== undefined,
          `There are no curl lines for ${id}.`
        )
      }
      const { text } = yield* send(`${info.control}/journal`)
      const { entries } = JSON.parse(text) as { readonly entries: ReadonlyArray<FakeBroker.JournalEntry> }
      for (const { headers, status, url } of entries) {
        assert.strictEqual(headers["accept"], "*/*", url)
        assert.include([200, 302], status, url)
      }
    }),
  timeout
)

it.live(
  "broker-auth-simulator prints Angel One's account and working curl lines",
  () =>
    Effect.gen(function* () {
      const { child, printed } = yield* start()
      yield* until(child, () => printed.stdout.includes("Ctrl+C"))
      assert.match(printed.stdout, /not real/)
      for (const value of [...Object.values(account), api, site, feed]) assert.include(printed.stdout, value)
      const samples = Array.from(
        printed.stdout.matchAll(/^Log in to (\w+) from another terminal:\n\n([\s\S]*?)\n\n/gm),
        ([, broker = "", script = ""]) => ({ broker, script })
      )
      assert.deepStrictEqual<ReadonlyArray<string>>(
        samples.map(({ broker }) => broker),
        Simulator.brokerIds.filter((id) => brokers[id].descriptor.curl !== undefined)
      )
      for (const { broker, script } of samples) {
        const answer = yield* runShell(script)
        if (broker === "angel") assertTokens(answer)
        else assert.match(answer, /"status":"success"/i, broker)
      }
    }),
  timeout
)

it.live(
  "broker-auth-simulator prints the addresses of working login pages",
  () =>
    Effect.gen(function* () {
      const { child, printed } = yield* start()
      yield* until(child, () => printed.stdout.includes("Ctrl+C"))
      const pages = Array.from(printed.stdout.matchAll(/^ {2}login page +(.*)$/gm), ([, url = ""]) => url)
      const wanted = Object.values(brokers).map(({ descriptor: { accounts, page } }) => (page ? accounts.length : 0))
      assert.strictEqual(
        pages.length,
        wanted.reduce((sum, count) => sum + count, 0)
      )
      for (const url of pages) {
        const page = yield* send(url)
        assert.strictEqual(page.status, 200, url)
        assert.include(page.text, '<form method="post"')
      }
    }),
  timeout
)

it.live("the README documents every broker, origin and account", () =>
  Effect.gen(function* () {
    const { brokers, origins } = yield* Simulator.make()
    for (const origin of Object.keys(origins)) assert.include(readme, `\`${origin.replace("https://", "")}\``)
    for (const [broker, { accounts }] of Object.entries(brokers)) {
      assert.match(readme, new RegExp(`^\\| \`${broker}\` `, "m"))
      for (const { clientCode, userId } of accounts) assert.include(readme, `\`${clientCode ?? userId}\``)
    }
  })
)

it.live("the login pages have the fields that the README names", () =>
  Effect.gen(function* () {
    const { brokers, origins } = yield* Simulator.make()
    const [samco = {}] = brokers["samco"]?.accounts ?? []
    const code = yield* send(`${origins["https://webuat.rmoneyindia.co.in"]}/auth/v1/access/qr/generate`)
    const qrName = /"qrName":"([^"]+)"/.exec(code.text)?.[1]
    const values = new Map([
      ["api_key", samco["apiKey"]],
      ["redirect_url", samco["redirectUrl"]],
      ["qrName", qrName]
    ])
    const rows = Array.from(readme.matchAll(/^\| [^|]+\| `([a-z.-]+)(\/[^`]*\?[^`]+)`[^|]*\| ([^|]+)\|$/gm))
    assert.strictEqual(rows.length, 7)
    for (const [, host = "", path = "", fields = ""] of rows) {
      const filled = path.replace(/(\w+)=…/g, (_, name) => `${name}=${encodeURIComponent(values.get(name) ?? "")}`)
      const page = yield* send(`${origins[`https://${host}`]}${filled}`)
      for (const [, name] of fields.matchAll(/`(\w+)`/g)) assert.include(page.text, `name="${name}"`)
    }
  })
)

it.live(
  "the README's program prints the documented line",
  () =>
    Effect.sync(() => {
      const program = blockOf("ts")
      const says = /console\.log\(.*\) \/\/ (.*)/.exec(program)?.[1]
      const flags = ["--conditions=@auth/source", "--input-type=module-typescript", "--eval"]
      const { status, stderr, stdout } = spawnSync(process.execPath, [...flags, program], {
        cwd: folder,
        encoding: "utf8"
      })
      assert.strictEqual(status, 0, stderr)
      assert.strictEqual(stdout.trim(), says)
    }),
  timeout
)
