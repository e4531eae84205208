/**
 * One of several processes that share a session of Rupeezy through Redis, on one machine or on many. One of them logs
 * in. All of them need the same BROKER_AUTH_KEY. Redis stores the session encrypted.
 */
import * as Vault from "@auth/broker-core/session/Vault"
import * as Connection from "@auth/node/Connection"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import * as NodeRedis from "@effect/platform-node/NodeRedis"

const url = process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379"
const rupeezy = await Connection.open(RupeezyAuth.layerConfig(), {
  vault: Vault.layerRedisFrom(NodeRedis.layer({ url, disableOfflineQueue: true }))
})
// Called for each new session, also if another process has logged in.
rupeezy.on("renewed", ({ account, issuedAt }) => {
  console.log(`${account.id} has a session since ${new Date(issuedAt).toISOString()}`)
})

const answer = await rupeezy.fetch("https://vortex-api.rupeezy.in/v2/user/funds")
console.log(answer.status, await answer.json())
await rupeezy.close()
