/**
 * A short program for login methods that need no person. `fiveLines.ts @auth/angel/AngelAuth https://…` logs in at
 * Angel One if no valid session is stored, fetches the address, and prints the answer. Without an address, the program
 * fetches the profile.
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
