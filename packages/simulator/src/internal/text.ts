import type { FakeAccount } from "@auth/broker-core/testing/FakeBroker"
import type { Info } from "../Simulator.ts"
import { brokerIds } from "./brokers.ts"

/** What `--help` prints. */
export const usage = `broker-auth-simulator: fake stock brokers over HTTP on this machine. Their accounts are not real.

Usage: broker-auth-simulator [--port N] [--broker NAME] [--json] [--help]

  --port N       the control port; the brokers' origins take the ports after it (free ones unless given)
  --broker NAME  serve only this broker; may be given several times (${brokerIds.join(", ")})
  --json         print one line of JSON when ready: where everything is, and every credential
  --help         print this

It stops on Ctrl+C and on SIGTERM. The control port says what it can do: curl http://127.0.0.1:N/`

/** A login with curl for each broker, to paste into a shell. */
const samples: Readonly<Record<string, (info: Info, account: FakeAccount) => ReadonlyArray<string>>> = {
  angel: ({ control, origins }, account) => [
    `code=$(curl -s "${control}/totp?broker=angel&account=${account["clientCode"]}" | sed 's/[^0-9]*\\([0-9]*\\).*/\\1/')`,
    `curl -s "${origins["https://apiconnect.angelone.in"]}/rest/auth/angelbroking/user/v1/loginByPassword" \\`,
    `  -H "Content-Type: application/json" -H "Accept: application/json" \\`,
    `  -H "X-UserType: USER" -H "X-SourceID: WEB" -H "X-PrivateKey: ${account["apiKey"]}" \\`,
    `  -H "X-ClientLocalIP: 127.0.0.1" -H "X-ClientPublicIP: 0.0.0.0" -H "X-MACAddress: 00:00:00:00:00:00" \\`,
    `  -d "{\\"clientcode\\":\\"${account["clientCode"]}\\",\\"password\\":\\"${account["pin"]}\\",\\"totp\\":\\"$code\\"}"`
  ]
}

const columns = (rows: ReadonlyArray<readonly [string, string]>): ReadonlyArray<string> => {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}

/** What is printed when the simulator is ready, for a person. */
export const ready = (info: Info): string => {
  const accounts = Object.entries(info.brokers).flatMap(([broker, { accounts }]) =>
    accounts.map((account) => ({ broker, account }))
  )
  const first = accounts[0]
  const sample = first === undefined ? [] : (samples[first.broker]?.(info, first.account) ?? [])
  return [
    "The broker simulator is ready. Its accounts are not real, and only this machine reaches it.",
    "",
    ...columns([["control", info.control], ...Object.entries(info.origins)]),
    ...accounts.flatMap(({ account, broker }) => ["", `${broker}, account:`, ...columns(Object.entries(account))]),
    ...(sample.length === 0 ? [] : ["", "Log in from another terminal:", "", ...sample]),
    "",
    "Ctrl+C stops it."
  ].join("\n")
}
