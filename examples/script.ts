/** Logs in to Angel One, and prints the funds. While the stored session is live, later runs send no login. */
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as Connection from "@auth/node/Connection"

const angel = await Connection.open(AngelAuth.layerConfig())
const answer = await angel.fetch("https://apiconnect.angelone.in/rest/secure/angelbroking/user/v1/getRMS")
console.log(await answer.json())
await angel.close()
