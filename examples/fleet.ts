/**
 * Run this program in several processes, on one machine or on many. The processes share one encrypted Rupeezy session
 * in Redis. Only one process logs in. All processes need the same BROKER_AUTH_KEY.
 */
import * as Vault from "@auth/broker-core/session/Vault"
import * as Connection from "@auth/node/Connection"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import * as NodeRedis from "@effect/platform-node/NodeRedis"

const url = process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379"
const rupeezy = await Connection.open(RupeezyAuth.layerConfig(), {
  vault: Vault.layerRedisFrom(NodeRedis.layer({ url, disableOfflineQueue: true }))
})
// This function is called for each new session, including the sessions that other processes obtain.
rupeezy.on("renewed", ({ account, issuedAt }) => {
  console.log(`${account.id} has a session, issued at ${new Date(issuedAt).toISOString()}`)
})

const answer = await rupeezy.fetch("https://vortex-api.rupeezy.in/v2/user/funds")
console.log(answer.status, await answer.json())
await rupeezy.close()
