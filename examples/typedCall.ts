/**
 * Makes a typed call to RMoney. If the broker refuses the token, the session is renewed once, and the call is repeated.
 * A call that places an order is never repeated.
 */
import * as Connection from "@auth/node/Connection"
import * as RmoneyApi from "@auth/rmoney/RmoneyApi"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"

const rmoney = await Connection.open(RmoneyAuth.layerConfig())
rmoney.on("renewed", ({ issuedAt }) => console.log(`Session issued at ${new Date(issuedAt).toISOString()}`))

const { clientId, clientName } = await rmoney.call(RmoneyApi.RmoneyApi, (api, session) => api.getProfile(session))
console.log(`${clientId}: ${clientName}`)
await rmoney.close()
