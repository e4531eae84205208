/**
 * Logs in to Zerodha through the user's browser, and prints the user's name. A second run uses the stored session, and
 * opens no browser.
 */
import * as Connection from "@auth/node/Connection"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"

const zerodha = await Connection.open(ZerodhaAuth.layerConfig())
// ZERODHA_REDIRECT_URL must be an address on this machine, such as http://127.0.0.1:5000/callback. The program listens
// there until the user has logged in.
await zerodha.login()
const { name } = await zerodha.profile()
console.log(`Logged in: ${name}`)
await zerodha.close()
