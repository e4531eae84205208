import type { FakeAccount } from "@auth/broker-core/testing/FakeBroker"
import type { Info } from "../Simulator.ts"
import { brokerIds, descriptorOf } from "./brokers.ts"
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

const pageOf = ({ origins }: Info, broker: string, account: FakeAccount): ReadonlyArray<readonly [string, string]> => {
  const page = descriptorOf(broker)?.page?.(account)
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
    const sample = accounts[0] === undefined ? [] : (descriptorOf(broker)?.curl?.(accounts[0], info) ?? [])
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
