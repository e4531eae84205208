/** Opens the WebSocket of Angel One's market feed. The headers contain the tokens of the session. */
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as AngelFeed from "@auth/angel/AngelFeed"
import * as Connection from "@auth/node/Connection"

const angel = await Connection.open(AngelAuth.layerConfig())
const { headers, url } = await angel.run(AngelFeed.socket(await angel.session()))

// Node's WebSocket accepts headers, but TypeScript's type does not. So the options need `as never`.
const socket = new WebSocket(url, {
  headers: {
    Authorization: Connection.reveal(headers.Authorization),
    "x-api-key": Connection.reveal(headers["x-api-key"]),
    "x-client-code": headers["x-client-code"],
    "x-feed-token": Connection.reveal(headers["x-feed-token"])
  }
} as never)
socket.addEventListener("open", () => console.log("The feed is open. Subscribe to symbols now."))
socket.addEventListener("message", ({ data }) => {
  console.log(data)
  socket.close()
})
socket.addEventListener("error", () => console.error("The feed refused the connection, or the connection was lost."))
socket.addEventListener("close", () => void angel.close())
