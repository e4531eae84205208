/**
 * The commands as a table. The parser, the help and the README are made from it. It imports nothing, so that `--help`
 * is fast.
 */

/** `rest`: all remaining arguments. */
export interface Argument {
  readonly name: string
  readonly kind: "required" | "optional" | "rest"
  readonly description: string
}

/** A flag. `value` names its value in the help. Without `value`, the flag is a switch. */
export interface Flag {
  readonly name: string
  readonly value?: string
  readonly description: string
}

export interface Row {
  /** One word, or two words for a command below another one. */
  readonly name: string
  readonly arguments: ReadonlyArray<Argument>
  readonly flags: ReadonlyArray<Flag>
  /** One sentence without a full stop. */
  readonly summary: string
  readonly details: ReadonlyArray<string>
}

const account = {
  name: "account",
  kind: "optional",
  description: "name of the account; may be omitted if there is only one"
} as const

const simulator = {
  name: "simulator",
  value: "URL",
  description: "use the broker simulator with this control address, such as http://127.0.0.1:4010"
} as const

const json = { name: "json", description: "print JSON" } as const

export const table = [
  {
    name: "brokers",
    arguments: [],
    flags: [json],
    summary: "List the brokers and their ways to log in",
    details: []
  },
  {
    name: "add",
    arguments: [{ name: "broker", kind: "required", description: "a broker of broker-auth brokers" }],
    flags: [
      { name: "method", value: "METHOD", description: "the way to log in; asked for if there are several" },
      { name: "name", value: "NAME", description: "your name for the account (default: the broker's id)" },
      { name: "replace", description: "replace the credentials of an account that exists" },
      simulator
    ],
    summary: "Add an account, and store its credentials encrypted",
    details: [
      "At a terminal, the command asks for each credential, and does not show secrets. Otherwise it reads lines NAME=value from standard input. The names are those of the environment variables, such as ANGEL_PIN.",
      "A value may be a reference that is resolved at each use: env:NAME (an environment variable), op://vault/item/field (1Password), pass:NAME (pass), exec:COMMAND (the first line that the command prints). text:VALUE is a value that begins like a reference.",
      "Nothing is sent to the broker. No flag takes a secret, because other programs can read the arguments of a command."
    ]
  },
  {
    name: "accounts",
    arguments: [],
    flags: [json, simulator],
    summary: "List the names of the accounts",
    details: []
  },
  {
    name: "status",
    arguments: [account],
    flags: [json, simulator],
    summary: "Show which sessions are live, until when, and where they are stored",
    details: ["Sends nothing to a broker."]
  },
  {
    name: "remove",
    arguments: [{ name: "account", kind: "required", description: "name of the account" }],
    flags: [simulator],
    summary: "Remove an account and its credentials",
    details: ["Sends nothing to the broker. A stored session stays valid. To end it first, use broker-auth logout."]
  },
  {
    name: "login",
    arguments: [account],
    flags: [
      { name: "browser", description: "log in through the browser; fails if the account has another way to log in" },
      { name: "paste", description: "do not open a browser: show the address, and paste the address after the login" },
      simulator
    ],
    summary: "Log in, unless the session is live",
    details: ["Asks for a one-time code if the broker wants one."]
  },
  {
    name: "token",
    arguments: [account],
    flags: [simulator],
    summary: "Print the access token, and nothing else, on standard output",
    details: ["If the session is not live, it is renewed if no person is needed for that."]
  }
] as const satisfies ReadonlyArray<Row>

/** Names of all commands. */
export type Name = (typeof table)[number]["name"]

type RowOf<N extends Name> = Extract<(typeof table)[number], { readonly name: N }>

type ArgumentsOf<R extends Row> = {
  readonly [A in R["arguments"][number] as A["name"]]: A["kind"] extends "required"
    ? string
    : A["kind"] extends "rest"
      ? ReadonlyArray<string>
      : string | undefined
}

type FlagsOf<R extends Row> = {
  readonly [F in R["flags"][number] as F["name"]]: F extends { readonly value: string } ? string | undefined : boolean
}

/** The decoded arguments and flags of a command. */
export type Input<N extends Name> = ArgumentsOf<RowOf<N>> & FlagsOf<RowOf<N>>
