/**
 * A web app whose user logs in at the broker. `/login` redirects the browser to the broker, and `/callback` completes
 * the login. An encrypted cookie contains the pending login. So the app can restart during a login, or run as several
 * processes.
 */
import * as AngelPublisher from "@auth/angel/AngelPublisher"
import * as MotilalPortal from "@auth/motilal/MotilalPortal"
import * as Connection from "@auth/node/Connection"
import * as RmoneySso from "@auth/rmoney/RmoneySso"
import * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import { createServer } from "node:http"

// Your app needs only the line for its broker.
const brokers = {
  angel: () => Connection.open(AngelPublisher.layerConfig()),
  motilal: () => Connection.open(MotilalPortal.layerConfig()),
  rmoney: () => Connection.open(RmoneySso.layerConfig()),
  rupeezy: () => Connection.open(RupeezyPartner.layerConfig()),
  samco: () => Connection.open(SamcoOAuth.layerConfig()),
  zerodha: () => Connection.open(ZerodhaAuth.layerConfig())
}
const broker = await brokers[(process.argv[2] ?? "zerodha") as keyof typeof brokers]()

const server = createServer((request, response) => {
  const [path] = (request.url ?? "/").split("?")
  const cookie = /(?:^|; )login=([^;]*)/.exec(request.headers.cookie ?? "")?.[1]
  // The browser sends the cookie only to /callback, and scripts cannot read it.
  const setCookie = (value: string) =>
    response.setHeader("set-cookie", `login=${value}; Path=/callback; HttpOnly; SameSite=Lax`)
  const redirect = (status: number, location: string) => response.writeHead(status, { location }).end()

  const answer = async () => {
    response.setHeader("cache-control", "no-store").setHeader("referrer-policy", "no-referrer")
    if (path === "/login") {
      const login = await broker.beginLogin()
      const secure = login.redirectUrl.startsWith("https:") ? "; Secure" : ""
      setCookie(`${await login.seal()}; Max-Age=600${secure}`)
      redirect(302, Connection.reveal(login.url))
    } else if (path === "/callback") {
      setCookie("; Max-Age=0")
      const login = await broker.resumeLogin(cookie)
      await login.complete(request.url ?? "")
      // The redirect removes the callback's query, which contains secrets, from the browser's address bar.
      redirect(303, "/")
    } else if (path === "/") {
      const { account } = await broker.session()
      response.end(`Logged in as ${account.id}`)
    } else response.writeHead(404).end("Not found")
  }
  // The message of an error contains no secret, and says what to do.
  answer().catch((error) => response.writeHead(400).end(error.message))
})

const port = Number(process.env["PORT"] ?? 3000)
server.listen(port, "127.0.0.1", () =>
  console.log(`Open http://127.0.0.1:${(server.address() as { port: number }).port}/login`)
)
