/** Runs Zerodha's official SDK for JavaScript from npm, without changes, against the fake Zerodha. */
import * as assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { createRequire } from "node:module"
import type { Client, ClientOptions, Sdk, Workbench } from "../sdk.ts"
import type { JournalEntry } from "../simulator.ts"

interface SessionData {
  readonly access_token: string
  readonly refresh_token: string
  readonly user_id: string
}

const accountOf = ({ simulator }: Workbench) => {
  const { apiKey = "", apiSecret = "", password = "", userId = "" } = simulator.account("zerodha")
  return { apiKey, apiSecret, password, userId, root: simulator.origin("https://api.kite.trade") }
}

const open = (workbench: Workbench): Promise<Client> => workbench.open(accountOf(workbench))

const browse = async (workbench: Workbench): Promise<string> => {
  const { apiKey, password, userId } = accountOf(workbench)
  await workbench.simulator.advance("31 seconds")
  const totp = await workbench.simulator.totp("zerodha", userId)
  const page = `${workbench.simulator.origin("https://kite.zerodha.com")}/connect/login?v=3&api_key=${apiKey}`
  const body = new URLSearchParams({ user_id: userId, password, totp })
  const answer = await fetch(page, { method: "POST", body, redirect: "manual" })
  const token = new URL(answer.headers.get("location") ?? "https://nowhere.example").searchParams.get("request_token")
  assert.ok(token, `HTTP ${answer.status}`)
  return token
}

const logIn = async (workbench: Workbench, client: Client): Promise<SessionData> =>
  client.call("generateSession", await browse(workbench), accountOf(workbench).apiSecret)

const last = async ({ simulator }: Workbench, endpoint: string): Promise<JournalEntry> => {
  const entry = (await simulator.journal()).filter((seen) => seen.endpoint === endpoint).at(-1)
  assert.ok(entry, `The journal has no request to ${endpoint}.`)
  return entry
}

const rejection = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => assert.fail("the call did not reject"),
    (error: unknown) => (error instanceof Error ? error.message : JSON.stringify(error))
  )

/** Some rejections of the SDK are plain objects, which cannot be passed between processes as errors. */
const withErrors = (client: object): object =>
  new Proxy(client, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== "function") return method
      return async (...args: ReadonlyArray<unknown>) => {
        try {
          return (await Reflect.apply(method, target, args)) as unknown
        } catch (error) {
          throw error instanceof Error ? error : new Error(JSON.stringify(error))
        }
      }
    }
  })

export const sdk: Sdk = {
  name: "kiteconnect",
  version: "5.3.0",
  preload: [],
  open: ({ apiKey, root }: ClientOptions) => {
    const { KiteConnect } = createRequire(import.meta.url)("kiteconnect") as {
      readonly KiteConnect: new (options: { readonly api_key: string; readonly root: string }) => object
    }
    return withErrors(new KiteConnect({ api_key: apiKey, root }))
  },
  scenarios: [
    {
      title: "exchanges the token of a browser login",
      run: async (workbench) => {
        const { apiKey, apiSecret, userId } = accountOf(workbench)
        const session = await logIn(workbench, await open(workbench))
        assert.equal(session.user_id, userId)
        assert.equal(session.refresh_token, "")
        const { body, headers } = await last(workbench, "sessionToken")
        const form = new URLSearchParams(body)
        assert.deepEqual([...form.keys()], ["api_key", "request_token", "checksum"])
        const signed = `${apiKey}${form.get("request_token")}${apiSecret}`
        assert.equal(form.get("checksum"), createHash("sha256").update(signed).digest("hex"))
        assert.equal(headers["x-kite-version"], "3")
        assert.match(headers["content-type"] ?? "", /^application\/x-www-form-urlencoded/)
        assert.equal(headers["authorization"], undefined)
        return "sends a form with three fields and the right checksum"
      }
    },
    {
      title: "requests the profile and the funds",
      run: async (workbench) => {
        const client = await open(workbench)
        const session = await logIn(workbench, client)
        const profile = await client.call<Readonly<Record<string, unknown>>>("getProfile")
        assert.equal(profile["user_id"], accountOf(workbench).userId)
        assert.equal(profile["access_token"], undefined)
        const funds = await client.call<Readonly<Record<string, { readonly enabled: boolean }>>>("getMargins")
        assert.equal(funds["equity"]?.enabled, true)
        const segment = await client.call<{ readonly net: number }>("getMargins", "equity")
        assert.ok(segment.net > 0)
        const { headers } = await last(workbench, "getProfile")
        assert.equal(headers["authorization"], `token ${accountOf(workbench).apiKey}:${session.access_token}`)
        return 'sends "token <key>:<token>"; gets the funds of all segments, and of one segment'
      }
    },
    {
      title: "logs out, and calls again with the same token",
      run: async (workbench) => {
        const client = await open(workbench)
        await logIn(workbench, client)
        assert.equal(await client.call("invalidateAccessToken"), true)
        const { body, method } = await last(workbench, "deleteSession")
        assert.deepEqual([method, body], ["DELETE", ""])
        assert.match(await rejection(client.call("getProfile")), /TokenException/)
        const { headers } = await last(workbench, "getProfile")
        assert.match(headers["authorization"] ?? "", /^token [^:]+:.+/)
        return "sends no body; the next call rejects with TokenException"
      }
    },
    {
      title: "uses a request token twice",
      run: async (workbench) => {
        const client = await open(workbench)
        const token = await browse(workbench)
        const { apiSecret } = accountOf(workbench)
        await client.call("generateSession", token, apiSecret)
        const refused = await rejection(client.call("generateSession", token, apiSecret))
        assert.match(refused, /Token is invalid or has expired/)
        return "the second use rejects with the broker's message"
      }
    },
    {
      title: "logs in with a wrong secret",
      run: async (workbench) => {
        const client = await open(workbench)
        const refused = await rejection(client.call("generateSession", await browse(workbench), "not-the-secret"))
        assert.match(refused, /Invalid `checksum`/)
        return "rejects with the message: Invalid `checksum`"
      }
    },
    {
      title: "refreshes with a token that is not a refresh token",
      run: async (workbench) => {
        const client = await open(workbench)
        const { apiSecret } = accountOf(workbench)
        const refused = await rejection(client.call("renewAccessToken", await browse(workbench), apiSecret))
        assert.match(refused, /Token is invalid or has expired/)
        const { body } = await last(workbench, "refreshToken")
        assert.deepEqual([...new URLSearchParams(body).keys()], ["api_key", "refresh_token", "checksum"])
        return "sends a form with three fields, and the broker refuses it"
      }
    },
    {
      title: "uses a session after 06:00 IST",
      run: async (workbench) => {
        const client = await open(workbench)
        await logIn(workbench, client)
        await workbench.simulator.advance("1 day")
        assert.match(await rejection(client.call("getProfile")), /TokenException/)
        return "rejects with TokenException"
      }
    },
    {
      title: "gets a firewall page",
      run: async (workbench) => {
        const client = await open(workbench)
        await workbench.simulator.fault("zerodha", "sessionToken", "waf")
        assert.match(await rejection(logIn(workbench, client)), /NetworkException/)
        return "rejects with NetworkException"
      }
    }
  ]
}
