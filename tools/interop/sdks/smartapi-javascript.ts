/** Runs Angel One's official SDK for JavaScript from npm, without changes, against the fake Angel One. */
import * as assert from "node:assert/strict"
import * as fs from "node:fs/promises"
import { createRequire } from "node:module"
import * as net from "node:net"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import type { Attempt, Failed } from "../ours.ts"
import { PeerEnded } from "../peer.ts"
import type { Client, ClientOptions, Sdk, Workbench } from "../sdk.ts"
import type { JournalEntry } from "../simulator.ts"

interface TokensAnswer {
  readonly status: boolean
  readonly errorcode: string
  readonly data: { readonly jwtToken: string; readonly refreshToken: string; readonly feedToken: string }
}

const here = path.dirname(fileURLToPath(import.meta.url))

const accountOf = ({ simulator }: Workbench) => {
  const { apiKey = "", clientCode = "", pin = "" } = simulator.account("angel")
  return { apiKey, clientCode, pin, root: simulator.origin("https://apiconnect.angelone.in") }
}

/** The fake accepts a code only once, so the clock is advanced to the next TOTP period. */
const nextCode = async (workbench: Workbench): Promise<string> => {
  await workbench.simulator.advance("31 seconds")
  return workbench.simulator.totp("angel", accountOf(workbench).clientCode)
}

const wrongCode = async (workbench: Workbench): Promise<string> => {
  const code = Number(await nextCode(workbench))
  return String((code + 1) % 1_000_000).padStart(6, "0")
}

const open = (workbench: Workbench): Promise<Client> => workbench.open(accountOf(workbench))

const logIn = async (workbench: Workbench, client: Client, code?: string): Promise<unknown> => {
  const { clientCode, pin } = accountOf(workbench)
  return client.call("generateSession", clientCode, pin, code ?? (await nextCode(workbench)))
}

const logInWell = async (workbench: Workbench, client: Client): Promise<TokensAnswer> => {
  const answer = (await logIn(workbench, client)) as TokensAnswer
  checkTokens(answer)
  return answer
}

const checkTokens = (answer: TokensAnswer): void => {
  assert.equal(answer.status, true)
  assert.equal(answer.errorcode, "")
  for (const token of [answer.data.jwtToken, answer.data.refreshToken, answer.data.feedToken]) {
    assert.match(token, /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/)
  }
}

const seen = async ({ simulator }: Workbench, endpoint: string): Promise<ReadonlyArray<JournalEntry>> =>
  (await simulator.journal()).filter((entry) => entry.endpoint === endpoint)

const closedPort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = net.createServer().once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })

const fileWith = async (file: string, text: string): Promise<string> => {
  const deadline = Date.now() + 5000
  for (;;) {
    const content = await fs.readFile(file, "utf8").catch(() => "")
    if (content.includes(text) || Date.now() > deadline) return content
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export const sdk: Sdk = {
  name: "smartapi-javascript",
  version: "1.0.27",
  preload: [path.join(here, "../public-ip-stub.cjs")],
  open: ({ apiKey, root }: ClientOptions) => {
    const { SmartAPI } = createRequire(import.meta.url)("smartapi-javascript") as {
      readonly SmartAPI: new (options: { readonly api_key: string; readonly root: string }) => object
    }
    return new SmartAPI({ api_key: apiKey, root })
  },
  scenarios: [
    {
      title: "logs in",
      run: async (workbench) => {
        await logInWell(workbench, await open(workbench))
        return "returns three tokens"
      }
    },
    {
      title: "sends the expected login request",
      run: async (workbench) => {
        const { apiKey, clientCode, pin } = accountOf(workbench)
        const code = await nextCode(workbench)
        await logIn(workbench, await open(workbench), code)
        const [entry, ...others] = await seen(workbench, "loginByPassword")
        assert.equal(others.length, 0)
        assert.equal(entry?.body, JSON.stringify({ clientcode: clientCode, password: pin, totp: code }))
        const { headers } = entry
        assert.equal(headers["content-type"], "application/json")
        assert.equal(headers["accept"], "application/json")
        assert.equal(headers["user-agent"], "axios/0.20.0")
        assert.equal(headers["x-privatekey"], apiKey)
        assert.equal(headers["x-sourceid"], "WEB")
        assert.equal(headers["x-usertype"], "USER")
        assert.equal(headers["x-clientpublicip"], "null")
        assert.ok(headers["x-clientlocalip"])
        assert.ok(headers["x-macaddress"])
        assert.equal(headers["authorization"], undefined)
        return "sends clientcode, password and totp, and X-ClientPublicIP: null"
      }
    },
    {
      title: "requests the profile",
      run: async (workbench) => {
        const client = await open(workbench)
        const { data: tokens } = await logInWell(workbench, client)
        const { data, status } = await client.call<{
          readonly status: boolean
          readonly data: { readonly clientcode: string }
        }>("getProfile")
        assert.equal(status, true)
        assert.equal(data.clientcode, accountOf(workbench).clientCode)
        const [entry] = await seen(workbench, "getProfile")
        assert.equal(entry?.method, "GET")
        assert.equal(entry.headers["content-length"], "2")
        assert.equal(entry.headers["authorization"], `Bearer ${tokens.jwtToken}`)
        return "sends a GET with a body of two bytes: {}"
      }
    },
    {
      title: "refreshes its tokens",
      run: async (workbench) => {
        const client = await open(workbench)
        const first = await logInWell(workbench, client)
        const second = await client.call<TokensAnswer>("generateToken", first.data.refreshToken)
        checkTokens(second)
        for (const name of ["jwtToken", "refreshToken", "feedToken"] as const) {
          assert.notEqual(second.data[name], first.data[name])
        }
        const profile = await client.call<{ readonly status: boolean }>("getProfile")
        assert.equal(profile.status, true)
        const [entry] = await seen(workbench, "getProfile")
        assert.equal(entry?.headers["authorization"], `Bearer ${second.data.jwtToken}`)
        return "gets three new tokens, and uses the new access token"
      }
    },
    {
      title: "logs out",
      run: async (workbench) => {
        const client = await open(workbench)
        await logInWell(workbench, client)
        const receipt = await client.call("logout", accountOf(workbench).clientCode)
        assert.deepEqual(receipt, { status: true, message: "SUCCESS", errorcode: "", data: "" })
        const after = await client.call<{ readonly success: boolean; readonly errorCode: string }>("getProfile")
        assert.equal(after.success, false)
        assert.equal(after.errorCode, "AG8001")
        return "the next call sends the revoked token, and gets AG8001"
      }
    },
    {
      title: "logs in twice from one instance",
      run: async (workbench) => {
        const client = await open(workbench)
        const first = await logInWell(workbench, client)
        await logInWell(workbench, client)
        const headers = (await seen(workbench, "loginByPassword")).map((entry) => entry.headers["authorization"])
        assert.deepEqual(headers, [undefined, `Bearer ${first.data.jwtToken}`])
        return "the second login also sends the first token, and succeeds"
      }
    },
    {
      title: "logs in with a wrong code",
      run: async (workbench) => {
        const answer = await logIn(workbench, await open(workbench), await wrongCode(workbench))
        assert.deepEqual(answer, { status: false, message: "Invalid totp", errorcode: "AB1050", data: null })
        return "resolves with AB1050"
      }
    },
    {
      title: "logs in twice with the same code",
      run: async (workbench) => {
        const client = await open(workbench)
        const code = await nextCode(workbench)
        checkTokens((await logIn(workbench, client, code)) as TokensAnswer)
        await workbench.simulator.advance("2 seconds")
        const answer = (await logIn(workbench, client, code)) as { readonly errorcode?: string }
        assert.equal(answer.errorcode, "AB1050")
        return "the second login resolves with AB1050"
      }
    },
    {
      title: "logs in twice within a second",
      run: async (workbench) => {
        const client = await open(workbench)
        const code = await nextCode(workbench)
        const answers = await Promise.all([logIn(workbench, client, code), logIn(workbench, client, code)])
        const statuses = (await seen(workbench, "loginByPassword")).map(({ status }) => status)
        assert.deepEqual(new Set(statuses), new Set([200, 403]))
        const [refused, ...others] = answers.filter((answer) => !("data" in (answer as object)))
        assert.equal(others.length, 0)
        assert.deepEqual(refused, { status: 403, message: "Forbidden" })
        return "one login resolves with status 403, but without the broker's message"
      }
    },
    {
      title: "gets a firewall page",
      run: async (workbench) => {
        const client = await open(workbench)
        await workbench.simulator.fault("angel", "loginByPassword", "waf")
        const answer = await logIn(workbench, client)
        assert.equal(typeof answer, "string")
        assert.match(String(answer), /^<html>.*support ID is: \d+/s)
        return "resolves with the HTML text"
      }
    },
    {
      title: "loses the connection during a login",
      run: async (workbench) => {
        const client = await open(workbench)
        await workbench.simulator.fault("angel", "loginByPassword", "reset")
        assert.deepEqual(await logIn(workbench, client), {})
        const statuses = (await seen(workbench, "loginByPassword")).map(({ status }) => status)
        assert.deepEqual(statuses, [0])
        return "resolves with an empty object"
      }
    },
    {
      title: "cannot connect",
      run: async (workbench) => {
        const client = await workbench.open({ apiKey: "demo", root: `http://127.0.0.1:${await closedPort()}` })
        assert.deepEqual(await logIn(workbench, client), {})
        return "resolves with an empty object"
      }
    },
    {
      title: "exceeds the rate limit during a refresh",
      run: async (workbench) => {
        const client = await open(workbench)
        const { data } = await logInWell(workbench, client)
        await workbench.simulator.fault("angel", "generateTokens", "rate-limit")
        const died = await client
          .call("generateToken", data.refreshToken)
          .then(
            () => client.call("getProfile"),
            (error: unknown) => error
          )
          .catch((error: unknown) => error)
        assert.ok(died instanceof PeerEnded, String(died))
        assert.match(died.output, /Cannot read properties of undefined \(reading 'jwtToken'\)/)
        return "an unhandled rejection ends the process"
      }
    },
    {
      title: "writes error.log after a wrong code",
      run: async (workbench) => {
        const { apiKey, clientCode, pin } = accountOf(workbench)
        const code = await wrongCode(workbench)
        await logIn(workbench, await open(workbench), code)
        const log = await fileWith(path.join(workbench.folder, "error.log"), "Response Data")
        const sent = JSON.stringify(JSON.stringify({ clientcode: clientCode, password: pin, totp: code }))
        assert.ok(log.includes(`Request Data : ${sent}`), log)
        assert.ok(log.includes(`"X-PrivateKey":"${apiKey}"`), log)
        return "error.log contains the PIN, the code and the API key"
      }
    },
    {
      title: "AngelAuth logs in with a wrong code",
      run: async (workbench) => {
        const { apiKey, clientCode, pin, root } = accountOf(workbench)
        const code = await wrongCode(workbench)
        const ours = await workbench.start("ours.ts")
        const attempt: Attempt = { root, clientCode, pin, apiKey, code }
        const failed = await ours.call<Failed>(attempt)
        await ours.stop()
        assert.equal(failed.reason, "InvalidStepUpCode")
        assert.match(failed.message, /AB1050/)
        for (const secret of [pin, code, apiKey]) assert.ok(!failed.shown.includes(secret), failed.shown)
        assert.deepEqual(await fs.readdir(workbench.folder), [])
        const [entry, ...others] = await seen(workbench, "loginByPassword")
        assert.equal(entry?.status, 200)
        assert.equal(others.length, 0)
        return "fails with InvalidStepUpCode, writes no file, and shows no secret"
      }
    }
  ]
}
