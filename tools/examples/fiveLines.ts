/**
 * A short program for login methods that need no person. With the arguments `@auth/angel/AngelAuth https://…`, it
 * fetches the address with a session of Angel One, and prints the answer. If no valid session is stored, the program
 * first logs in. Without an address, the program fetches the profile.
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
