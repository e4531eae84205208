/**
 * Logs in to Zerodha through the user's browser, and prints the user's name. While the stored session is valid, later
 * runs open no browser.
 */
import * as Connection from "@auth/node/Connection"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"

const zerodha = await Connection.open(ZerodhaAuth.layerConfig())
// If ZERODHA_REDIRECT_URL is an http address on this machine, such as http://127.0.0.1:5000/callback, the program
// listens there until the user has logged in. With any other address, the user pastes the callback URL at the terminal.
await zerodha.login()
const { name } = await zerodha.profile()
console.log(`Logged in: ${name}`)
await zerodha.close()
