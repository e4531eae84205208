/** Starts the simulator as a child process and uses the simulator's control port, as programs in other languages do. */
import { spawn } from "node:child_process"
import * as path from "node:path"
import * as readline from "node:readline"
import { fileURLToPath } from "node:url"
import { adopt, end } from "./peer.ts"

const file = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../packages/simulator/src/bin.ts")

export type Account = Readonly<Record<string, string>>

export interface JournalEntry {
  readonly endpoint: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly status: number
}

interface Ready {
  readonly control: string
  readonly origins: Readonly<Record<string, string>>
  readonly brokers: Readonly<Record<string, { readonly accounts: ReadonlyArray<Account> }>>
}

export interface Simulator {
  /** The simulator's address for each origin of a broker. */
  readonly origins: Readonly<Record<string, string>>
  readonly origin: (ofBroker: string) => string
  /** Returns the first account of a broker, with all its credentials. */
  readonly account: (broker: string) => Account
  readonly journal: () => Promise<ReadonlyArray<JournalEntry>>
  /** Sets the brokers' clock forward by a duration such as `31 seconds`. */
  readonly advance: (duration: string) => Promise<void>
  /** Makes the next call to an endpoint fail. */
  readonly fault: (broker: string, endpoint: string, kind: string) => Promise<void>
  readonly totp: (broker: string, account: string) => Promise<string>
  readonly reset: () => Promise<void>
  readonly stop: () => Promise<void>
}

const known = <A>(value: A | undefined, what: string): A => {
  if (value === undefined) throw new Error(`The simulator has no ${what}.`)
  return value
}

/** Time-out for the start and for each request, in milliseconds. */
const patience = 30_000

/** `command`: Node's arguments. By default, Node runs the simulator's source code. */
export const startSimulator = async (command = ["--conditions=@auth/source", file]): Promise<Simulator> => {
  const child = spawn(process.execPath, [...command, "--json"], {
    stdio: ["ignore", "pipe", "pipe"]
  })
  adopt(child)
  let complaints = ""
  child.stderr.on("data", (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-4000)))
  const line = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`The simulator was not ready in time.\n${complaints}`)), patience)
    readline.createInterface({ input: child.stdout }).once("line", (first) => {
      clearTimeout(timer)
      resolve(first)
    })
    child.once("close", (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`The simulator ended with ${code ?? signal}.\n${complaints}`))
    })
  })
  const ready = JSON.parse(line) as Ready

  const ask = async (target: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(ready.control + target, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patience)
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${target}: HTTP ${answer.status} ${text}`)
    return text === "" ? undefined : JSON.parse(text)
  }

  return {
    origins: ready.origins,
    origin: (ofBroker) => known(ready.origins[ofBroker], `origin ${ofBroker}`),
    account: (broker) => known(ready.brokers[broker]?.accounts[0], `account of ${broker}`),
    journal: async () => ((await ask("/journal")) as { readonly entries: ReadonlyArray<JournalEntry> }).entries,
    advance: async (duration) => void (await ask("/clock", { advance: duration })),
    fault: async (broker, endpoint, kind) =>
      void (await ask("/faults", { broker, endpoint, fault: { kind }, times: 1 })),
    totp: async (broker, account) => {
      const { code } = (await ask(`/totp?broker=${broker}&account=${account}`)) as { readonly code: string }
      return code
    },
    reset: async () => void (await ask("/reset", {})),
    stop: () => end(child)
  }
}
