import type { FakeAccount } from "@auth/broker-core/testing/FakeBroker"
import type { Info } from "../Simulator.ts"
import { brokerIds } from "./brokers.ts"
import { defaultJournal } from "./limits.ts"

/** What `--help` prints. */
export const usage = `broker-auth-simulator: fake stock brokers over HTTP on this machine. Their accounts are not real.

Usage: broker-auth-simulator [--port N] [--broker NAME] [--seed FILE] [--print-seed] [--journal N]
                             [--allow-host HOST] [--allow-origin ORIGIN] [--json] [--help]

  --port N       the control port; the brokers' origins take the ports after it (free ones unless given)
  --broker NAME  serve only this broker; may be given several times (${brokerIds.join(", ")})
  --seed FILE    accounts and switches of the brokers, as JSON
  --print-seed   print a seed with the demo accounts, and end
  --journal N    how many requests the journal keeps of each broker (${defaultJournal} unless given)
  --allow-host HOST      answer this host name, too (127.0.0.1, localhost and [::1] always are); may be repeated
  --allow-origin ORIGIN  let web pages of this origin send requests, such as http://127.0.0.1:3000; may be repeated
  --json         print one line of JSON when ready: where everything is, and every credential
  --help         print this

It stops on Ctrl+C and on SIGTERM. The control port says what it can do: curl http://127.0.0.1:N/`

const codeOf = ({ control }: Info, broker: string, account: string | undefined): string =>
  `code=$(curl -s "${control}/totp?broker=${broker}&account=${account}" | sed 's/[^0-9]*\\([0-9]*\\).*/\\1/')`

const json = (fields: Readonly<Record<string, string | undefined>>): string =>
  `"${JSON.stringify(fields).replaceAll('"', String.raw`\"`)}"`

/** A login with curl for each broker where one request does it, to paste into a shell. */
const samples: Readonly<Record<string, (info: Info, account: FakeAccount) => ReadonlyArray<string>>> = {
  angel: (info, { apiKey, clientCode, pin }) => [
    codeOf(info, "angel", clientCode),
    `curl -s "${info.origins["https://apiconnect.angelone.in"]}/rest/auth/angelbroking/user/v1/loginByPassword" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -H "X-UserType: USER" -H "X-SourceID: WEB" -H "X-PrivateKey: ${apiKey}" \\`,
    `  -H "X-ClientLocalIP: 127.0.0.1" -H "X-ClientPublicIP: 0.0.0.0" -H "X-MACAddress: 00:00:00:00:00:00" \\`,
    `  -d ${json({ clientcode: clientCode, password: pin, totp: "$code" })}`
  ],
  rupeezy: (info, { apiKey, applicationId, clientCode, password }) => [
    codeOf(info, "rupeezy", clientCode),
    `curl -s "${info.origins["https://vortex-api.rupeezy.in"]}/v2/user/login" \\`,
    `  -H "Content-Type: application/json" -H "x-api-key: ${apiKey}" \\`,
    `  -d ${json({ client_code: clientCode, password, totp: "$code", application_id: applicationId })}`
  ],
  samco: (info, { apiKey, apiSecret }) => [
    `curl -s "${info.origins["https://tradeapi.samco.in"]}/session/token" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d ${json({ apiKey, apiSecret })}`
  ]
}

type Query = Readonly<Record<string, string | undefined>>

/** The login page of each broker's browser flow. Programs ask for it with a state besides. */
const pages: Readonly<Record<string, (account: FakeAccount) => readonly [origin: string, path: string, query: Query]>> =
  {
    angel: ({ publisherKey }) => ["https://smartapi.angelone.in", "/publisher-login", { api_key: publisherKey }],
    motilal: ({ apiKey }) => ["https://invest.motilaloswal.com", "/OpenAPI/Login.aspx", { apikey: apiKey }],
    rupeezy: ({ applicationId }) => ["https://flow.rupeezy.in", "/", { applicationId }],
    samco: ({ apiKey, redirectUrl }) => [
      "https://tradeapi.samco.in",
      "/app/oauth/authorize",
      { api_key: apiKey, redirect_url: redirectUrl }
    ],
    rmoney: ({ appCode }) => ["https://webuat.rmoneyindia.co.in", "/", { appcode: appCode }],
    zerodha: ({ apiKey }) => ["https://kite.zerodha.com", "/connect/login", { v: "3", api_key: apiKey }]
  }

const pageOf = ({ origins }: Info, broker: string, account: FakeAccount): ReadonlyArray<readonly [string, string]> => {
  const page = pages[broker]?.(account)
  if (page === undefined) return []
  const [origin, path, query] = page
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return [["login page", `${origins[origin]}${path}?${new URLSearchParams(given)}`]]
}

const columns = (rows: ReadonlyArray<readonly [string, string]>): ReadonlyArray<string> => {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd())
}

/** What is printed when the simulator is ready, for a person. */
export const ready = (info: Info): string => {
  const sections = Object.entries(info.brokers).flatMap(([broker, { accounts }]) => {
    const sample = accounts[0] === undefined ? [] : (samples[broker]?.(info, accounts[0]) ?? [])
    return [
      ...accounts.flatMap((account) => [
        "",
        `${broker}, account:`,
        ...columns([...Object.entries(account), ...pageOf(info, broker, account)])
      ]),
      ...(sample.length === 0 ? [] : ["", `Log in to ${broker} from another terminal:`, "", ...sample])
    ]
  })
  return [
    "The broker simulator is ready. Its accounts are not real, and only this machine reaches it.",
    "",
    ...columns([["control", info.control], ...Object.entries(info.origins)]),
    ...sections,
    "",
    "Ctrl+C stops it."
  ].join("\n")
}
