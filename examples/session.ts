/**
 * `node session.ts angel` prints the expiry of the session. All programs of one user on this machine share the session.
 * A renewal changes the token. So if another library sends your requests, call `session` before each request.
 */
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import * as Connection from "@auth/node/Connection"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as RmoneyBiometric from "@auth/rmoney/RmoneyBiometric"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import * as SamcoLegacy from "@auth/samco/SamcoLegacy"

// Your program needs only the line for its broker.
const ways = {
  angel: () => Connection.open(AngelAuth.layerConfig()),
  motilal: () => Connection.open(MotilalAuth.layerConfig()),
  rmoney: () => Connection.open(RmoneyAuth.layerConfig()),
  "rmoney-biometric": () => Connection.open(RmoneyBiometric.layerConfig()),
  rupeezy: () => Connection.open(RupeezyAuth.layerConfig()),
  samco: () => Connection.open(SamcoAuth.layerConfig()),
  "samco-legacy": () => Connection.open(SamcoLegacy.layerConfig())
}
const broker = await ways[(process.argv[2] ?? "angel") as keyof typeof ways]()

const { account, expiresAt, tokens } = await broker.session()
// Pass this token to the other library. Do not log it.
const token = Connection.reveal(tokens.access)
const end = expiresAt === undefined ? "at an unknown time" : `at ${new Date(expiresAt).toISOString()}`
console.log(`The token of ${account.id} has ${token.length} characters, and expires ${end}`)
await broker.close()
