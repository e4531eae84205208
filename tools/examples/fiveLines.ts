/**
 * The shortest program for any broker: `fiveLines.ts @auth/angel/AngelAuth https://…` fetches the address. Without an
 * address, it requests the profile.
 */
import * as Connection from "@auth/node/Connection"

const [module = "", address] = process.argv.slice(2)
const { layerConfig } = await import(module)

const connection = await Connection.open(layerConfig())
const answer =
  address === undefined
    ? await (connection as Connection.Connection<never> & { profile: () => Promise<object> }).profile()
    : await (await connection.fetch(address)).json()
console.log(JSON.stringify(answer))
await connection.close()
