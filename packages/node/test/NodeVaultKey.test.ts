import { assert, describe, it } from "@effect/vitest"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVaultKey from "@auth/node/NodeVaultKey"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Net from "node:net"
import { syncBuiltinESMExports } from "node:module"
import * as Path from "node:path"
import { DatabaseSync } from "node:sqlite"
import { inspect } from "node:util"
import { checksum } from "../src/internal/checked.ts"
import { ask } from "../src/internal/keyring.ts"
import { makeNewer } from "./newer.ts"
import { account, bytes, contents, freshFolder, modeOf, reasonOf, start, textOf, using } from "./support.ts"

const horse = Redacted.make("correct horse battery staple")

/** Node has had Argon2id since version 24.7. */
const hasArgon2 = typeof Crypto.argon2Sync === "function"

const hex = (key: VaultKey.Key): string =>
  key._tag === "Key" ? Buffer.from(Redacted.value(key.bytes)).toString("hex") : key._tag

const keyOf = (passphrase: Redacted.Redacted<string>, folder: string) =>
  Effect.map(Effect.provide(VaultKey.VaultKey, NodeVaultKey.layerPassphrase(passphrase, { folder })), hex)

describe("vaults: layerPassphrase", () => {
  it.effect("derives the same key from the same passphrase", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const key = NodeVaultKey.layerPassphrase(horse, { folder })
      yield* using(folder, ({ store }) => store.put(account, "session", bytes("a session"), 0), key)
      const again = NodeVaultKey.layerPassphrase(horse, { folder })
      assert.strictEqual(textOf(yield* using(folder, ({ store }) => store.get(account, "session"), again)), "a session")
    })
  )

  it.effect("derives a different key from a different passphrase", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const put = using(
        folder,
        ({ store }) => store.put(account, "session", bytes("a session"), 0),
        NodeVaultKey.layerPassphrase(horse, { folder })
      )
      yield* put
      const wrong = NodeVaultKey.layerPassphrase(Redacted.make("wrong horse"), { folder })
      const reason = yield* reasonOf(using(folder, ({ store }) => store.get(account, "session"), wrong))
      assert.strictEqual(reason._tag, "WrongKey")
    })
  )

  it.effect("derives a different key in a different folder", () =>
    Effect.gen(function* () {
      const keys = [yield* keyOf(horse, yield* freshFolder), yield* keyOf(horse, yield* freshFolder)]
      assert.match(keys[0] ?? "", /^[0-9a-f]{64}$/)
      assert.notStrictEqual(keys[0], keys[1])
    })
  )

  it.effect("derives the same key from equivalent Unicode forms of a passphrase", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const keys = [yield* keyOf(Redacted.make("\u00e4"), folder), yield* keyOf(Redacted.make("a\u0308"), folder)]
      assert.strictEqual(keys[0], keys[1])
    })
  )

  it.effect("ignores one line break at the end of a passphrase", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const expected = yield* keyOf(horse, folder)
      for (const end of ["\n", "\r\n"])
        assert.strictEqual(yield* keyOf(Redacted.make(Redacted.value(horse) + end), folder), expected)
      for (const other of [" ", "\n\n", "\t"])
        assert.notStrictEqual(yield* keyOf(Redacted.make(Redacted.value(horse) + other), folder), expected)
      const reason = yield* reasonOf(keyOf(Redacted.make("\n"), folder))
      assert.match(`${reason._tag} ${reason.message}`, /^KeyUnavailable .*empty/)
    })
  )

  it.effect("derives the same key in two layers that are built at the same time", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const keys = yield* Effect.all([keyOf(horse, folder), keyOf(horse, folder)], { concurrency: "unbounded" })
      assert.strictEqual(keys[0], keys[1])
    })
  )

  it.effect("stores the salt, but not the passphrase, in a file with mode 0600", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      yield* keyOf(horse, folder)
      assert.deepStrictEqual([Fs.readdirSync(folder), modeOf(folder)], [["passphrase.db"], "700"])
      assert.strictEqual(modeOf(Path.join(folder, "passphrase.db")), "600")
      assert.include(contents(folder), hasArgon2 ? "argon2id" : "scrypt")
      assert.notInclude(contents(folder), "horse")
    })
  )

  const setFunction = (folder: string, way: string) =>
    Effect.sync(() => {
      const database = new DatabaseSync(Path.join(folder, "passphrase.db"))
      database
        .prepare("UPDATE checked SET value = ?, checksum = ? WHERE name = 'way'")
        .run(way, checksum("checked", "way", way))
      const salt = database.prepare("SELECT value FROM checked WHERE name = 'salt'").get()?.["value"]
      database.close()
      return Buffer.from(String(salt), "hex")
    })

  const withoutArgon2 = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
    const crypto = process.getBuiltinModule("node:crypto") as { argon2?: unknown }
    const replace = (argon2: unknown) =>
      Effect.sync(() => {
        const before = crypto.argon2
        crypto.argon2 = argon2
        syncBuiltinESMExports()
        return before
      })
    return Effect.acquireUseRelease(replace(undefined), () => effect, replace)
  }

  it.effect.runIf(hasArgon2)("uses Argon2id with 64 MiB, 3 passes and 4 lanes", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const key = yield* keyOf(horse, folder)
      const nonce = yield* setFunction(folder, "argon2id m=65536 t=3 p=4")
      const options = { memory: 65_536, passes: 3, parallelism: 4, tagLength: 32 }
      const expected = Crypto.argon2Sync("argon2id", { message: Redacted.value(horse), nonce, ...options })
      assert.strictEqual(nonce.length, 16)
      assert.strictEqual(key, expected.toString("hex"))
    })
  )

  it.effect("uses scrypt if the salt file names scrypt", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      yield* keyOf(horse, folder)
      const salt = yield* setFunction(folder, "scrypt N=131072 r=8 p=1")
      const options = { N: 131_072, r: 8, p: 1, maxmem: 2 ** 28 }
      const expected = Crypto.scryptSync(Redacted.value(horse), salt, 32, options)
      assert.strictEqual(yield* keyOf(horse, folder), expected.toString("hex"))
    })
  )

  it.effect("names the required Node version if Argon2id is missing", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      yield* keyOf(horse, folder)
      yield* setFunction(folder, "argon2id m=65536 t=3 p=4")
      const reason = yield* withoutArgon2(reasonOf(keyOf(horse, folder)))
      assert.match(`${reason._tag} ${reason.remedy}`, /^KeyUnavailable Use Node 24\.7/)
    })
  )

  it.live(
    "derives the right key from a damaged salt file, or fails with Tampered",
    () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        const path = Path.join(folder, "passphrase.db")
        const key = yield* keyOf(horse, folder)
        const whole = Fs.readFileSync(path)
        let tampered = 0
        // Each derivation takes a quarter of a second, so few bytes are changed. Most zero bytes carry no data.
        const offsets = Array.from(whole.keys()).filter((offset) => whole[offset] !== 0 && offset % 3 === 0)
        for (const offset of offsets) {
          const changed = Buffer.from(whole)
          changed[offset] = (changed[offset] ?? 0) ^ (1 << (offset % 8))
          Fs.writeFileSync(path, changed)
          const found = yield* Effect.result(keyOf(horse, folder))
          if (found._tag === "Success") assert.strictEqual(found.success, key, `byte ${offset}`)
          else assert.strictEqual(found.failure.reason._tag, "Tampered", `byte ${offset}`)
          if (found._tag === "Failure") tampered += 1
        }
        assert.isAbove(tampered, offsets.length / 2)
      }),
    { tags: ["thorough"], timeout: 120_000 }
  )

  it.effect("fails with NewerVersion if the salt file has a newer format", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      yield* keyOf(horse, folder)
      makeNewer(Path.join(folder, "passphrase.db"))
      assert.deepInclude(yield* reasonOf(keyOf(horse, folder)), { _tag: "NewerVersion", version: 2 })
    })
  )

  it.effect("rejects an empty passphrase", () =>
    Effect.gen(function* () {
      const reason = yield* reasonOf(keyOf(Redacted.make(""), yield* freshFolder))
      assert.deepStrictEqual([reason._tag, reason.message.includes("empty")], ["KeyUnavailable", true])
    })
  )
})

describe("vaults: layerPassphraseConfig", () => {
  const from = (env: Readonly<Record<string, string>>, folder: string, name?: string) =>
    Effect.provide(VaultKey.VaultKey, NodeVaultKey.layerPassphraseConfig(name, { folder })).pipe(
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
    )

  it.effect("reads the passphrase from the configuration", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const keys = [
        yield* from({ BROKER_AUTH_PASSPHRASE: Redacted.value(horse) }, folder),
        yield* from({ MINE: Redacted.value(horse) }, folder, "MINE")
      ]
      const expected = yield* keyOf(horse, folder)
      assert.deepStrictEqual(keys.map(hex), [expected, expected])
    })
  )

  it.effect("fails if the variable is not set", () =>
    Effect.gen(function* () {
      const reason = yield* reasonOf(from({}, yield* freshFolder))
      assert.deepStrictEqual([reason._tag, reason.remedy], ["KeyUnavailable", "Set BROKER_AUTH_PASSPHRASE."])
    })
  )
})

it("NodeVaultKey re-exports layerConfig and layerPlaintext from VaultKey", () => {
  assert.strictEqual(NodeVaultKey.layerConfig, VaultKey.layerConfig)
  assert.strictEqual(NodeVaultKey.layerPlaintext, VaultKey.layerPlaintext)
})

const fakeKeyring = (folder: string, body: string): string => {
  const path = `${folder}-keyring.cjs`
  Fs.writeFileSync(
    path,
    `const fs = require("node:fs")
     const file = ${JSON.stringify(`${folder}-keyring.json`)}
     const wait = (millis) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis)
     exports.Entry = class {
       constructor(service, account, options) { this.is = [service, account, options] }
       ${body}
     }`
  )
  return path
}

const slowFile = `
  getPassword() { wait(50); return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : null }
  setPassword(password) { wait(50); fs.appendFileSync(file + ".log", "set\\n"); fs.writeFileSync(file, password) }`

const place = (module: string) => ({
  service: "broker-auth",
  account: "vault",
  module,
  timeout: Duration.seconds(10)
})

describe("vaults: layerKeyring", () => {
  it.live(
    "returns the same new key to programs that start together",
    () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        const module = fakeKeyring(folder, slowFile)
        const running = yield* Effect.all(Array.from({ length: 4 }, () => start("keyring.ts", [folder, module])))
        for (const { ended } of running) yield* ended
        const keys = new Set(running.map(({ printed }) => printed.stdout))
        assert.strictEqual(keys.size, 1)
        assert.match([...keys].join(), /^key [0-9a-f]{16}\n$/)
        assert.strictEqual(Fs.readFileSync(`${folder}-keyring.json.log`, "utf8"), "set\n")
        assert.match(Fs.readFileSync(`${folder}-keyring.json`, "utf8"), /^[0-9a-f]{64}$/)
        const later = yield* start("keyring.ts", [folder, module])
        yield* later.ended
        assert.isTrue(keys.has(later.printed.stdout))
      }),
    { tags: ["thorough"] }
  )

  it.live("reads the given entry, and uses the Secret Service on Linux", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const module = fakeKeyring(folder, `getPassword() { return JSON.stringify(this.is) }`)
      const password = yield* ask(place(module))
      assert.strictEqual(
        password && Redacted.value(password),
        `["broker-auth","vault",{"linux":{"store":"secret-service"}}]`
      )
    })
  )

  const refusals: Readonly<Record<string, readonly [body: string, why: RegExp]>> = {
    "is locked": [`getPassword() { throw new Error("The item is locked: hunter2") }`, /keyring is locked$/],
    "is not running": [
      `getPassword() { throw new Error("DBus error: hunter2") }`,
      /no keyring is running for this user$/
    ],
    "fails with an unknown error": [`getPassword() { throw new Error("hunter2") }`, /keyring refused the request$/],
    "crashes the helper process": [`getPassword() { process.kill(process.pid, "SIGKILL") }`, /has crashed$/],
    "prints text and crashes the helper process": [
      `getPassword() { fs.writeSync(1, "hunter2"); process.kill(process.pid, "SIGKILL") }`,
      /has crashed$/
    ]
  }
  for (const [what, [body, why]] of Object.entries(refusals)) {
    it.live(`keeps the keyring's message out of the error if the keyring ${what}`, () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        const error = yield* Effect.flip(ask(place(fakeKeyring(folder, body))))
        assert.strictEqual(error.reason._tag, "KeyUnavailable")
        assert.match(error.reason.message, why)
        assert.match(error.remedy, /layerPassphraseConfig.*layerConfig/)
        assert.notInclude(inspect(error, { depth: 10 }) + JSON.stringify(error), "hunter2")
      })
    )
  }

  it.live("finds the key among other output of the helper process", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const body = `getPassword() {
        process.stdout.write("{}\\n"); process.on("exit", () => fs.writeSync(1, "bye")); return "the key" }`
      const password = yield* ask(place(fakeKeyring(folder, body)))
      assert.strictEqual(password && Redacted.value(password), "the key")
    })
  )

  it.live("passes no NODE_OPTIONS and no secrets to the helper process", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const file = `${folder}-env`
      const preload = `${folder}-preload.cjs`
      Fs.writeFileSync(
        preload,
        `console.log("loaded"); require("node:fs").appendFileSync(${JSON.stringify(file)}, "loaded ")`
      )
      const body = `getPassword() { fs.writeFileSync(${JSON.stringify(`${file}.json`)}, JSON.stringify(process.env)); return "${"ab".repeat(32)}" }`
      const { ended, printed } = yield* start("keyring.ts", [folder, fakeKeyring(folder, body)], {
        env: {
          NODE_OPTIONS: `--require "${preload}"`,
          ANGEL_PIN: "hunter2",
          DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere",
          XDG_RUNTIME_DIR: "/run/user/1"
        }
      })
      yield* ended
      assert.match(printed.stdout, /key [0-9a-f]{16}\n$/)
      assert.strictEqual(Fs.readFileSync(file, "utf8"), "loaded ")
      const env = JSON.parse(Fs.readFileSync(`${file}.json`, "utf8")) as Readonly<Record<string, string>>
      assert.deepInclude(env, { DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere", XDG_RUNTIME_DIR: "/run/user/1" })
      assert.doesNotHaveAnyKeys(env, ["NODE_OPTIONS", "ANGEL_PIN"])
    })
  )

  it.live("starts only one helper process, even if process.execPath is the program itself", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const module = fakeKeyring(folder, `getPassword() { return null }`)
      const [app, count, preload] = [`${folder}-app`, `${folder}-count`, `${folder}-app.cjs`]
      const program = Path.join(import.meta.dirname, "programs", "keyring.ts")
      Fs.writeFileSync(preload, `process.execPath = ${JSON.stringify(app)}`)
      Fs.writeFileSync(
        app,
        `#!/bin/sh
         echo x >> '${count}'
         [ "$(wc -l < '${count}')" -gt 5 ] && exit 1
         exec '${process.execPath}' --conditions=@auth/source --require '${preload}' '${program}' '${folder}' '${module}'`,
        { mode: 0o700 }
      )
      const { ended, printed } = yield* start("keyring.ts", [folder, module], {
        before: [
          process.execPath,
          "-e",
          `require("child_process").spawnSync(${JSON.stringify(app)}, { stdio: "inherit" })`
        ]
      })
      yield* ended
      assert.match(printed.stdout, /"reason":"KeyUnavailable"/)
      assert.strictEqual(Fs.readFileSync(count, "utf8"), "x\nx\n")
    })
  )

  const standalone = {
    Node: `process.getBuiltinModule("node:sea").isSea = () => true`,
    Bun: "globalThis.Bun = { isStandaloneExecutable: true }",
    Deno: "globalThis.Deno = { build: { standalone: true } }"
  }

  it.live.each(Object.entries(standalone))("starts no helper process in a single executable made with %s", ([, code]) =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const [preload, asked] = [`${folder}-standalone.cjs`, `${folder}-asked`]
      Fs.writeFileSync(preload, code)
      const body = `getPassword() { fs.writeFileSync(${JSON.stringify(asked)}, ""); return null }`
      const { ended, printed } = yield* start("keyring.ts", [folder, fakeKeyring(folder, body)], {
        env: { NODE_OPTIONS: `--require "${preload}"` }
      })
      yield* ended
      assert.match(printed.stdout, /"reason":"KeyUnavailable".*single executable.*layerPassphraseConfig/)
      assert.isFalse(Fs.existsSync(asked))
    })
  )

  it.live("works without the module node:sea, as on Bun and Deno", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const preload = `${folder}-builtin.cjs`
      Fs.writeFileSync(
        preload,
        `const { getBuiltinModule } = process
process.getBuiltinModule = (name) => (name === "node:sea" ? undefined : getBuiltinModule(name))`
      )
      const body = `getPassword() { return "${"ab".repeat(32)}" }`
      const { ended, printed } = yield* start("keyring.ts", [folder, fakeKeyring(folder, body)], {
        env: { NODE_OPTIONS: `--require "${preload}"` }
      })
      yield* ended
      assert.match(printed.stdout, /key [0-9a-f]{16}\n$/, printed.stderr)
    })
  )

  it.live("names --allow-child-process if Node's permission model forbids child processes", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const module = fakeKeyring(folder, `getPassword() { return null }`)
      const { ended, printed } = yield* start("keyring.ts", [folder, module], {
        env: { NODE_OPTIONS: "--permission --allow-fs-read=* --allow-fs-write=*" }
      })
      assert.deepStrictEqual(yield* ended, { code: 0, signal: null }, printed.stderr)
      assert.match(printed.stdout, /"reason":"KeyUnavailable".*permission model.*--allow-child-process/)
    })
  )

  it.live("reports a keyring entry that is not a key", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const module = fakeKeyring(folder, `getPassword() { return "hunter2" }`)
      const { ended, printed } = yield* start("keyring.ts", [folder, module])
      yield* ended
      assert.match(printed.stdout, /keyring's entry broker-auth, vault is not a key/)
      assert.notInclude(printed.stdout, "hunter2")
    })
  )

  it.live("names the package @napi-rs/keyring if its module cannot be loaded", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(ask(place("/nowhere/keyring")))
      assert.match(error.message, /@napi-rs\/keyring does not work on this machine/)
    })
  )

  it.live("kills the helper process when the caller is interrupted", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const module = fakeKeyring(folder, `getPassword() { fs.writeFileSync(file, String(process.pid)); wait(60_000) }`)
      const asking = yield* Effect.forkChild(ask(place(module)))
      const pidFile = `${folder}-keyring.json`
      while (!Fs.existsSync(pidFile) || Fs.readFileSync(pidFile, "utf8") === "") yield* Effect.sleep("10 millis")
      const pid = Number(Fs.readFileSync(pidFile, "utf8"))
      yield* Fiber.interrupt(asking)
      const isAlive = Effect.sync(() => {
        try {
          return process.kill(pid, 0)
        } catch {
          return false
        }
      })
      while (yield* isAlive) yield* Effect.sleep("10 millis")
    })
  )

  it.effect.each([0, -5, NaN, "3 secs" as "3 seconds"] as const)("rejects the timeout %s", (timeout) =>
    Effect.gen(function* () {
      const failed = yield* Effect.flip(Layer.build(NodeVaultKey.layerKeyring({ timeout })))
      assert.deepInclude(failed.reason, { _tag: "InvalidOption", option: "timeout" })
    })
  )

  it.live(
    "fails after three seconds without an answer, and lets the program exit",
    () =>
      Effect.gen(function* () {
        const folder = yield* freshFolder
        const socket = `${folder}-bus`
        // This D-Bus session bus accepts connections and never answers.
        const connections: Array<Net.Socket> = []
        const bus = Net.createServer((connection) => void connections.push(connection))
        yield* Effect.acquireRelease(
          Effect.promise(() => new Promise<void>((resolve) => void bus.listen(socket, resolve))),
          () =>
            Effect.sync(() => {
              for (const connection of connections) connection.destroy()
              bus.close()
            })
        )
        const began = performance.now()
        const { ended, printed } = yield* start("keyring.ts", [folder], {
          env: { DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket}` }
        })
        assert.deepStrictEqual(yield* ended, { code: 0, signal: null })
        const took = performance.now() - began
        assert.isNotEmpty(connections)
        assert.match(printed.stdout, /"reason":"KeyUnavailable".*did not answer within 3 seconds/)
        assert.isAtLeast(took, 3000)
        assert.isBelow(took, 10_000)
      }),
    { tags: ["thorough"] }
  )

  it.live("reports that no keyring is running", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const { ended, printed } = yield* start("keyring.ts", [folder], {
        env: { DBUS_SESSION_BUS_ADDRESS: `unix:path=${folder}-none` }
      })
      assert.deepStrictEqual(yield* ended, { code: 0, signal: null })
      assert.match(
        printed.stdout,
        /"reason":"KeyUnavailable".*no keyring is running for this user.*layerPassphraseConfig/
      )
    })
  )
})
