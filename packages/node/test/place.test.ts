import { assert, describe, it } from "@effect/vitest"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as NodeVaultKey from "@auth/node/NodeVaultKey"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { type Facts, type Kind, refusal, resolve } from "../src/internal/place.ts"
import {
  account,
  bytes,
  filesIn,
  freshFolder,
  modeOf,
  open,
  reasonOf,
  secret,
  start,
  textOf,
  using
} from "./support.ts"

const acceptable: Facts = { isLink: false, isKind: true, mode: 0o100600, uid: 1000 }

const refused: ReadonlyArray<readonly [what: string, Partial<Facts>, Kind, problem: RegExp, advice: RegExp]> = [
  ["a symbolic link to a file", { isLink: true }, "file", /symbolic link/, /: rm \/v\/x$/],
  ["a folder in place of a file", { isKind: false }, "file", /not a file/, /: mv \/v\/x \/v\/x\.old$/],
  ["a file in place of a folder", { isKind: false }, "folder", /not a folder/, /mv/],
  ["a file that another user owns", { uid: 1001 }, "file", /another user/, /chown/],
  ["a folder that root owns", { uid: 0 }, "folder", /another user/, /another folder/],
  ["a file with mode 0640", { mode: 0o100640 }, "file", /mode 640/, /: chmod 600 \/v\/x$/],
  ["a file with mode 0602", { mode: 0o100602 }, "file", /mode 602/, /chmod 600/],
  ["a folder with mode 0701", { mode: 0o040701 }, "folder", /mode 701/, /: chmod 700 \/v\/x$/]
]

describe("vaults: the function `refusal`", () => {
  it("accepts a file or a folder that no other user can access", () => {
    assert.isUndefined(refusal(acceptable, "file", "/v/x", 1000))
    assert.isUndefined(refusal({ ...acceptable, mode: 0o042700 }, "folder", "/v/x", 1000))
    assert.isUndefined(refusal({ ...acceptable, mode: 0o100400 }, "file", "/v/x", 1000))
  })
  for (const [what, facts, kind, problem, advice] of refused) {
    it(`rejects ${what}, and says what to do`, () => {
      const found = refusal({ ...acceptable, ...facts }, kind, "/v/x", 1000)
      assert.match(found?.problem ?? "", problem)
      assert.match(found?.advice ?? "", advice)
    })
  }
  it("ignores the owner and the mode on Windows", () => {
    assert.isUndefined(refusal({ ...acceptable, mode: 0o100666, uid: 0 }, "file", "/v/x", undefined))
    assert.isDefined(refusal({ ...acceptable, isLink: true }, "file", "/v/x", undefined))
  })
  it("quotes the path in the advised shell command", () => {
    const { advice } = refusal({ ...acceptable, mode: 0o100644 }, "file", "/v/it's here", 1000) ?? { advice: "" }
    assert.match(advice, /chmod 600 '\/v\/it'\\''s here'$/)
  })
})

const isRoot = process.geteuid?.() === 0

/** A closed vault with one session. */
const written = Effect.gen(function* () {
  const folder = yield* freshFolder
  yield* using(folder, ({ lock, store }) =>
    lock.withLock(account, () => store.put(account, "session", bytes(secret), 0))
  )
  return folder
})

/** Checks the text before the final `path`, which may be in quotation marks. */
const assertAdvice = (text: string, advice: RegExp, path: string) => {
  const [unquoted, quoted] = [path, `'${path}'`].map((end) => (text.endsWith(end) ? text.slice(0, -end.length) : ""))
  assert.match(quoted || unquoted || "", advice, text)
}

const lockOf = (folder: string): string => filesIn(folder).find((file) => file.startsWith("locks")) ?? "none"

const ioOf = Effect.fnUntraced(function* (folder: string) {
  const reason = yield* reasonOf(
    using(folder, ({ lock, store }) => lock.withLock(account, () => store.get(account, "session")))
  )
  assert.strictEqual(reason._tag, "Io")
  return `${reason.message}. ${reason.remedy}`
})

describe("vaults: a vault", () => {
  it.live("creates folders with mode 0700 and files with mode 0600 at umask 0", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const writer = yield* start("writer.ts", [folder], { before: ["sh", "-c", 'umask 000; exec "$@"', "sh"] })
      const holder = yield* start("holder.ts", [folder], { before: ["sh", "-c", 'umask 000; exec "$@"', "sh"] })
      yield* writer.says("stored 2")
      yield* holder.says("holds")
      assert.deepStrictEqual([folder, Path.join(folder, "locks")].map(modeOf), ["700", "700"])
      const files = filesIn(folder)
      assert.includeMembers([...files], ["sessions.db", "sessions.db-shm", "sessions.db-wal"])
      assert.isTrue(files.some((file) => /^locks.[0-9a-f]{64}\.db$/.test(file)))
      assert.deepStrictEqual([...new Set(files.map((file) => modeOf(Path.join(folder, file))))], ["600"])
    })
  )

  it.effect("rejects a folder that other users can enter", () =>
    Effect.gen(function* () {
      const folder = yield* written
      Fs.chmodSync(folder, 0o750)
      assertAdvice(yield* ioOf(folder), /mode 750.*chmod 700 $/, folder)
      assert.strictEqual(modeOf(folder), "750")
    })
  )

  for (const file of ["sessions.db", "sessions.db-wal", "sessions.db-shm", "sessions.db-journal", "locks", "lock"]) {
    const what = { locks: "the folder `locks`", lock: "a lock file" }[file] ?? `the file ${file}`
    it.effect(`rejects ${what} if other users can read it`, () =>
      Effect.gen(function* () {
        const folder = yield* written
        const path = Path.join(folder, file === "lock" ? lockOf(folder) : file)
        if (!Fs.existsSync(path)) Fs.writeFileSync(path, "", { mode: 0o600 })
        Fs.chmodSync(path, 0o644)
        assertAdvice(yield* ioOf(folder), /mode 644.*chmod [67]00 $/, path)
        assert.strictEqual(modeOf(path), "644")
      })
    )

    it.effect(`rejects ${what} if it is a symbolic link`, () =>
      Effect.gen(function* () {
        const folder = yield* written
        const path = Path.join(folder, file === "lock" ? lockOf(folder) : file)
        const elsewhere = Path.join(folder, "..", "elsewhere")
        if (Fs.existsSync(path)) Fs.renameSync(path, elsewhere)
        else Fs.writeFileSync(elsewhere, "", { mode: 0o600 })
        Fs.symlinkSync(elsewhere, path)
        assertAdvice(yield* ioOf(folder), /symbolic link.*rm $/, path)
        assert.isTrue(Fs.lstatSync(path).isSymbolicLink())
      })
    )
  }

  it.effect("does not create the missing target of a symbolic link", () =>
    Effect.gen(function* () {
      const folder = yield* freshFolder
      const elsewhere = Path.join(folder, "..", "elsewhere")
      Fs.mkdirSync(folder, { mode: 0o700 })
      Fs.symlinkSync(elsewhere, Path.join(folder, "sessions.db"))
      assert.match(yield* ioOf(folder), /symbolic link/)
      assert.isFalse(Fs.existsSync(elsewhere))
    })
  )

  it.effect("rejects a symbolic link or a file in place of its folder", () =>
    Effect.gen(function* () {
      const folder = yield* written
      const link = `${folder}-link`
      Fs.symlinkSync(folder, link)
      assert.match(yield* ioOf(link), /symbolic link/)
      Fs.writeFileSync(`${folder}-file`, "", { mode: 0o600 })
      assert.match(yield* ioOf(`${folder}-file`), /not a folder/)
    })
  )

  // Only root can change the owner of a file.
  it.effect.runIf(isRoot)("rejects a folder or a file that another user owns", () =>
    Effect.gen(function* () {
      for (const file of ["", "sessions.db", "locks"]) {
        const folder = yield* written
        Fs.chownSync(Path.join(folder, file), 65_534, 65_534)
        assert.match(yield* ioOf(folder), /another user.*chown/)
      }
    })
  )

  it.effect("reports the system's error code if its folder cannot be created", () =>
    Effect.gen(function* () {
      const folder = yield* written
      const reason = yield* reasonOf(open({ folder: Path.join(folder, "sessions.db", "below") }))
      assert.strictEqual(reason._tag === "Io" && reason.systemCode, "ENOTDIR")
    })
  )
})

describe("vaults: the option `folder`", () => {
  const resolved = (given: string) => resolve(given, () => "/home/me")

  for (const [given, folder] of [
    ["~", "/home/me"],
    ["~/vault", "/home/me/vault"],
    ["~/a/../b", "/home/me/b"],
    ["./~/vault", Path.resolve("~/vault")],
    ["vault~", Path.resolve("vault~")],
    ["/v/x", "/v/x"]
  ] as const) {
    it.effect(`resolves ${given} to ${folder}`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* resolved(given), folder)
      })
    )
  }

  for (const given of ["", " ", "\t\n", "~root", "~root/vault"]) {
    it.effect(`rejects the value ${JSON.stringify(given)}`, () =>
      Effect.gen(function* () {
        const reason = yield* reasonOf(resolved(given))
        assert.deepInclude(reason, { _tag: "Io", isRetryable: false })
        assert.match(
          reason.remedy,
          /^(?:Set folder to a path|Use its full path), or .*(?:default|folder of that name)\.$/
        )
      })
    )
  }

  it.effect("is checked before a file is created", () =>
    Effect.gen(function* () {
      const before = Fs.readdirSync(".")
      for (const folder of ["", "~root/vault"]) {
        assert.strictEqual((yield* reasonOf(open({ folder })))._tag, "Io")
        assert.strictEqual((yield* reasonOf(NodeVault.remove({ folder })))._tag, "Io")
        const key = NodeVaultKey.layerPassphrase(Redacted.make("x"), { folder })
        assert.strictEqual((yield* reasonOf(Effect.provide(VaultKey.VaultKey, key)))._tag, "Io")
      }
      assert.deepStrictEqual(Fs.readdirSync("."), before)
    })
  )
})

it.effect("an open vault rejects operations while other users have access to it", () =>
  Effect.gen(function* () {
    const folder = yield* freshFolder
    const { lock, store } = yield* open({ folder })
    yield* lock.withLock(account, () => store.put(account, "session", bytes(secret), 0))
    for (const [path, mode] of [
      [folder, 0o700],
      [Path.join(folder, "sessions.db"), 0o600],
      [Path.join(folder, "sessions.db-wal"), 0o600]
    ] as const) {
      Fs.chmodSync(path, 0o777)
      for (const operation of [
        Effect.asVoid(store.get(account, "session")),
        Effect.asVoid(store.put(account, "session", bytes("next"), 1))
      ]) {
        const reason = yield* reasonOf(operation)
        assertAdvice(`${reason.message}. ${reason.remedy}`, /mode 777.*chmod [67]00 $/, path)
      }
      assert.strictEqual(modeOf(path), "777")
      Fs.chmodSync(path, mode)
      assert.strictEqual(textOf(yield* store.get(account, "session")), secret)
    }
  })
)
