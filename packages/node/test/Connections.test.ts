import { assert, it } from "@effect/vitest"
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import { TestHttp } from "@auth/broker-core/testing"
import { Connection, Connections } from "@auth/node"
import { FakeSamco } from "@auth/samco/msw"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const { apiKey, apiSecret, userId } = FakeSamco.demoAccount
const samco = SamcoAuth.layer({
  credentials: { userId, apiKey: Redacted.make(apiKey), apiSecret: Redacted.make(apiSecret) }
})
const key = Layer.effect(VaultKey.VaultKey, VaultKey.fromText(Redacted.make("ab".repeat(32)), "the key of a test"))

const makeFake = () => {
  const fake = Effect.runSync(FakeSamco.make())
  const sent = () => Effect.runSync(fake.journal).map(({ endpoint }) => endpoint)
  return { client: TestHttp.layerRespond((request) => fake.respond(request)), sent }
}

const inFolder = async (work: (folder: string) => Promise<void>) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-node-connections-"))
  try {
    await work(folder)
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}

it("later connections use the session that warm() stored", () =>
  inFolder(async (folder) => {
    const { client, sent } = makeFake()
    const first = await Connections.open({ accounts: { samco }, client, folder, key })
    for await (const { error, session } of first.warm()) {
      assert.isUndefined(error)
      assert.strictEqual(session?.account.id, userId)
    }
    await first.close()
    await using second = await Connections.open({ accounts: { samco }, client, folder, key })
    await (await second.account("samco")).session()
    await using single = await Connection.open(samco, { client, folder, key })
    await single.session()
    assert.deepStrictEqual(sent(), ["sessionToken"])
  }))

it("Connection.open and Connections.open pass the option `key` to the vault", async () => {
  const { client, sent } = makeFake()
  const entries = Effect.runSync(
    Effect.provide(
      Effect.map(SessionStore.SessionStore, (store) => store),
      SessionStore.layerMemory
    )
  )
  const keys: Array<string> = []
  const vault = Layer.merge(
    Layer.effect(
      SessionStore.SessionStore,
      Effect.map(VaultKey.VaultKey, ({ describe }) => {
        keys.push(describe)
        return entries
      })
    ),
    SessionLock.layerMemory
  )
  await using connection = await Connection.open(samco, { client, key, vault })
  await connection.session()
  await using connections = await Connections.open({ accounts: { samco }, client, key, vault })
  await (await connections.account("samco")).session()
  assert.deepStrictEqual(keys, ["the key of a test", "the key of a test"])
  assert.deepStrictEqual(sent(), ["sessionToken"])
})
