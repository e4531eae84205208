/** Runs Rupeezy's official SDK for JavaScript from npm, without changes, against the fake Rupeezy. */
import * as assert from "node:assert/strict"
import { createRequire } from "node:module"
import type { Client, ClientOptions, Sdk, Workbench } from "../sdk.ts"
import type { JournalEntry } from "../simulator.ts"

interface LoginAnswer {
  readonly status: string
  readonly message?: string
  readonly data?: { readonly access_token: string; readonly user_id: string }
}

const accountOf = ({ simulator }: Workbench) => {
  const { apiKey = "", applicationId = "", clientCode = "", password = "" } = simulator.account("rupeezy")
  return {
    apiKey,
    applicationId,
    clientCode,
    password,
    root: `${simulator.origin("https://vortex-api.rupeezy.in")}/v2`
  }
}

/** The fake accepts a code only once, so the clock is advanced to the next TOTP period. */
const nextCode = async (workbench: Workbench): Promise<string> => {
  await workbench.simulator.advance("31 seconds")
  return workbench.simulator.totp("rupeezy", accountOf(workbench).clientCode)
}

const open = (workbench: Workbench): Promise<Client> => workbench.open(accountOf(workbench))

const logIn = async (
  workbench: Workbench,
  client: Client,
  changes: { readonly code?: string; readonly password?: string } = {}
): Promise<LoginAnswer> => {
  const { clientCode, password } = accountOf(workbench)
  return client.call("login", clientCode, changes.password ?? password, changes.code ?? (await nextCode(workbench)))
}

const logInWell = async (workbench: Workbench, client: Client): Promise<string> => {
  const answer = await logIn(workbench, client)
  assert.equal(answer.status, "success")
  assert.match(answer.data?.access_token ?? "", /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/)
  return answer.data?.access_token ?? ""
}

const consent = async (workbench: Workbench): Promise<string> => {
  const { applicationId, clientCode, password } = accountOf(workbench)
  const page = `${workbench.simulator.origin("https://flow.rupeezy.in")}/?applicationId=${applicationId}`
  const totp = await nextCode(workbench)
  const form = { client_code: clientCode, password, totp, consent: "given" }
  const answer = await fetch(page, { method: "POST", body: new URLSearchParams(form), redirect: "manual" })
  const auth = new URL(answer.headers.get("location") ?? "https://nowhere.example").searchParams.get("auth")
  assert.ok(auth, `HTTP ${answer.status}`)
  return auth
}

const seen = async ({ simulator }: Workbench, endpoint: string): Promise<ReadonlyArray<JournalEntry>> =>
  (await simulator.journal()).filter((entry) => entry.endpoint === endpoint)

const rejection = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => assert.fail("the call did not reject"),
    (error: unknown) => String(error)
  )

export const sdk: Sdk = {
  name: "@rupeezy/jsvortex",
  version: "2.0.2",
  preload: [],
  open: ({ apiKey, applicationId, root }: ClientOptions) => {
    const { VortexAPI } = createRequire(import.meta.url)("@rupeezy/jsvortex") as {
      readonly VortexAPI: new (apiKey: string, applicationId: string, root: string, logging: boolean) => object
    }
    return new VortexAPI(apiKey, applicationId ?? "", root, false)
  },
  scenarios: [
    {
      title: "logs in",
      run: async (workbench) => {
        await logInWell(workbench, await open(workbench))
        return "returns an access token"
      }
    },
    {
      title: "sends the expected login request",
      run: async (workbench) => {
        const { apiKey, applicationId, clientCode, password } = accountOf(workbench)
        const code = await nextCode(workbench)
        await logIn(workbench, await open(workbench), { code })
        const [entry, ...others] = await seen(workbench, "login")
        assert.equal(others.length, 0)
        const sent = JSON.parse(entry?.body ?? "null") as unknown
        assert.deepEqual(sent, { client_code: clientCode, password, totp: code, application_id: applicationId })
        assert.equal(entry?.headers["x-api-key"], apiKey)
        assert.equal(entry.headers["authorization"], undefined)
        return "sends client_code, password, totp and application_id, and the header x-api-key"
      }
    },
    {
      title: "requests the funds",
      run: async (workbench) => {
        const client = await open(workbench)
        const token = await logInWell(workbench, client)
        const funds = await client.call<Readonly<Record<string, unknown>>>("funds")
        assert.equal(funds["status"], undefined)
        assert.ok("nse" in funds)
        const entry = (await workbench.simulator.journal()).at(-1)
        assert.equal(entry?.headers["authorization"], `Bearer ${token}`)
        assert.equal(entry.headers["x-api-key"], undefined)
        return "sends the token without x-api-key; the answer has the funds at its top level, and no field status"
      }
    },
    {
      title: "exchanges the code of a browser login",
      run: async (workbench) => {
        const client = await open(workbench)
        const answer = await client.call<LoginAnswer>("exchange_token", await consent(workbench))
        assert.equal(answer.status, "success")
        assert.match(await rejection(client.call("funds")), /401/)
        await client.call("set_access_token", answer.data?.access_token)
        assert.ok("nse" in (await client.call<object>("funds")))
        const [entry] = await seen(workbench, "createSession")
        assert.deepEqual(Object.keys(JSON.parse(entry?.body ?? "{}") as object).toSorted(), [
          "applicationId",
          "checksum",
          "token"
        ])
        return "the checksum is right, but the SDK does not store the token: the next call rejects with status 401"
      }
    },
    {
      title: "logs in with a wrong password",
      run: async (workbench) => {
        const answer = await logIn(workbench, await open(workbench), { password: "not-the-password" })
        assert.equal(answer.status, "error")
        assert.equal(answer.data, undefined)
        return `resolves with HTTP 200: ${answer.message ?? ""}`
      }
    },
    {
      title: "gets a firewall page",
      run: async (workbench) => {
        const client = await open(workbench)
        await workbench.simulator.fault("rupeezy", "login", "waf")
        assert.match(await rejection(logIn(workbench, client)), /403/)
        return "rejects with status 403"
      }
    },
    {
      title: "logs in twice within a second",
      run: async (workbench) => {
        const client = await open(workbench)
        const code = await nextCode(workbench)
        const results = await Promise.allSettled([
          logIn(workbench, client, { code }),
          logIn(workbench, client, { code })
        ])
        const refused = results.flatMap((result) => (result.status === "rejected" ? [String(result.reason)] : []))
        assert.equal(refused.length, 1)
        assert.match(refused[0] ?? "", /429/)
        return "one of the logins rejects with status 429"
      }
    }
  ]
}
