import type { FakeAccount } from "@auth/broker-core/testing/FakeBroker"
import type { Info } from "../Simulator.ts"
import { brokerIds, descriptorOf } from "./brokers.ts"
import { defaultJournal } from "./limits.ts"

export const usage = `broker-auth-simulator: fake stock brokers over HTTP on this machine. Their accounts are not real.

Usage: broker-auth-simulator [--port N] [--broker NAME] [--seed FILE] [--print-seed] [--journal N]
                             [--allow-host HOST] [--allow-origin ORIGIN] [--json] [--help]

  --port N       the control port; the brokers' origins use the ports after it (default: free ports)
  --broker NAME  serve only this broker; may be repeated (${brokerIds.join(", ")})
  --seed FILE    a JSON file with accounts and switches (options of the fake brokers); --print-seed prints an example
  --print-seed   print a seed with the demo accounts, and exit
  --journal N    number of requests that the journal keeps for each broker (default: ${defaultJournal})
  --allow-host HOST      accept requests to this host (always accepted: 127.0.0.1, localhost, [::1]); may be repeated
  --allow-origin ORIGIN  accept requests from web pages of this origin, such as http://127.0.0.1:3000; may be repeated
  --json         when ready, print one line of JSON with all addresses and credentials
  --help         print this help

Ctrl+C and SIGTERM stop the simulator. For help on the requests that the control port accepts: curl http://127.0.0.1:PORT/`

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

/** Output without `--json` when the simulator is ready. */
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
    "The broker simulator is ready. Its accounts are not real, and only this machine can reach it.",
    "",
    ...columns([["control", info.control], ...Object.entries(info.origins)]),
    ...sections,
    "",
    "Press Ctrl+C to stop the simulator."
  ].join("\n")
}
