/**
 * Example for login methods that need no person. The arguments are a module and an address, such as
 * `@auth/angel/AngelAuth https://…`. Fetches the address and prints the answer. Without an address, prints the profile.
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
