/** The commands, for the parser, the help and the documentation. Imports nothing, so that `--help` is fast. */

/** The kind `rest` stands for all remaining arguments. */
export interface Argument {
  readonly name: string
  readonly kind: "required" | "optional" | "rest"
  readonly description: string
}

/** `value` is the name of the flag's value in the help. Without `value`, the flag is a switch. */
export interface Flag {
  readonly name: string
  readonly value?: string
  readonly description: string
}

export interface Row {
  /** One word. For a subcommand, two words. */
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

const accountOrAll = { ...account, description: "name of the account; if omitted, all accounts are shown" } as const

const simulator = {
  name: "simulator",
  value: "URL",
  description: "use the broker simulator with this control address, such as http://127.0.0.1:4010"
} as const

const json = { name: "json", description: "print JSON" } as const

const packageFlag = (description: string) => ({ name: "package", value: "FOLDER|NAME", description }) as const

const sessionNote = "If the session is not live, it is renewed first. If the renewal needs a person, the command fails."

export const table = [
  {
    name: "brokers",
    arguments: [],
    flags: [packageFlag("list only the brokers of this package"), json],
    summary: "List the brokers and their ways to log in",
    details: [
      "--package takes the folder of a package, or the name of a package that is installed in the current folder. It loads the package, so name only a package that you trust."
    ]
  },
  {
    name: "add",
    arguments: [
      { name: "broker", kind: "required", description: "id of the broker; for the ids, run broker-auth brokers" }
    ],
    flags: [
      {
        name: "method",
        value: "METHOD",
        description: "the way to log in; if omitted and there are several, the command asks"
      },
      { name: "name", value: "NAME", description: "your name for the account (default: the broker's id)" },
      packageFlag(
        "package of the broker, if this package is not installed beside broker-auth; see broker-auth brokers --help"
      ),
      { name: "replace", description: "replace the credentials of an account that exists" },
      simulator
    ],
    summary: "Add an account, and store its credentials encrypted",
    details: [
      "At a terminal, the command asks for each credential, and does not show secrets. Without a terminal, it reads lines NAME=value from standard input. The names are those of the environment variables, such as ANGEL_PIN.",
      "A value may be a reference that is resolved at each use. The references are: env:NAME (an environment variable), op://vault/item/field (1Password), pass:NAME (pass), keyring:SERVICE/ACCOUNT (the keyring of macOS or Linux), exec:COMMAND (the first line that the command prints). text:VALUE stands for VALUE itself, even if VALUE begins like a reference.",
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
    arguments: [accountOrAll],
    flags: [{ name: "watch", description: "show the status again every 5 seconds, until Ctrl-C" }, json, simulator],
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
      {
        name: "browser",
        description: "log in through the browser; if the account uses another login method, no login is sent"
      },
      {
        name: "paste",
        description:
          "do not open a browser: print the address of the login page, and ask for the address of the page that follows the login"
      },
      { name: "qr", description: "log in with a QR code; if the account uses another login method, no login is sent" },
      { name: "all", description: "log in to all accounts" },
      {
        name: "notify",
        value: "COMMAND|URL",
        description:
          "send a summary to a program or to an https address; write a secret address as a reference, such as env:NAME"
      },
      { name: "json", description: "print the summary as JSON" },
      simulator
    ],
    summary: "Log in, unless the session is live",
    details: [
      "Asks for a one-time code if the broker wants one. A QR code is drawn in the terminal.",
      "With --all, the command first logs in to the accounts that need no person, a few at the same time. At a terminal, a line shows the progress. Then the command asks, for each account that needs a person, whether to log in now. Without a terminal, the command prints one line for each account on standard error, and asks nothing. The exit code is 0 if all accounts are logged in, and 7 if an account needs a person. Otherwise it is the exit code for the first account that failed.",
      "The summary lists the accounts that are logged in. Then it lists the accounts that need a person, each with the command that logs in, and the accounts that failed, each with the reason. The summary contains no secret. It contains no link to a login page, because every such link contains a secret. --notify COMMAND runs a program without a shell, with the summary as JSON on its standard input, for at most 30 seconds. --notify URL sends the JSON with POST, and follows no redirect. If all accounts are logged in, but the notification fails, the exit code is 13."
    ]
  },
  {
    name: "token",
    arguments: [account],
    flags: [simulator],
    summary: "Print the access token, and nothing else, on standard output",
    details: [sessionNote]
  },
  {
    name: "header",
    arguments: [account],
    flags: [simulator],
    summary: "Print the HTTP headers of an authorized call, one on each line",
    details: ["With curl: curl -H @<(broker-auth header angel) https://…", sessionNote]
  },
  {
    name: "env",
    arguments: [account],
    flags: [simulator],
    summary: "Print the session as assignments of environment variables",
    details: [
      'In a POSIX shell: eval "$(broker-auth env angel)". The variables are BROKER_AUTH_BROKER, BROKER_AUTH_ACCOUNT, BROKER_AUTH_TOKEN, BROKER_AUTH_EXPIRES_AT (milliseconds since 1970, absent if unknown) and BROKER_AUTH_FEED_TOKEN (if the broker has one).',
      "broker-auth exec gives the variables to one program only.",
      sessionNote
    ]
  },
  {
    name: "exec",
    arguments: [
      { name: "account", kind: "required", description: "name of the account" },
      { name: "command", kind: "rest", description: "the program and its arguments, after --" }
    ],
    flags: [simulator],
    summary: "Run a program with the session in its environment",
    details: [
      "Example: broker-auth exec angel -- node trade.js. The variables are those of broker-auth env. The keys of the vault (BROKER_AUTH_KEY and BROKER_AUTH_NEW_KEY) are removed from the environment of the program.",
      "The exit code is the program's own. If a signal ended the program, the exit code is 128 plus the number of the signal. If the program cannot be started, the exit code is 127.",
      sessionNote
    ]
  },
  {
    name: "profile",
    arguments: [account],
    flags: [json, simulator],
    summary: "Show the broker's profile of the account holder",
    details: [sessionNote]
  },
  {
    name: "renew",
    arguments: [account],
    flags: [simulator],
    summary: "Get a new session, even if the stored session is live",
    details: [
      "At a terminal, the command asks for a one-time code if the broker wants one. If a new session needs a login in the browser or with a QR code, the command fails: use broker-auth login instead."
    ]
  },
  {
    name: "logout",
    arguments: [account],
    flags: [{ name: "all", description: "log out of all accounts" }, simulator],
    summary: "End the session at the broker, and delete it here",
    details: ["The credentials stay stored."]
  },
  {
    name: "guard",
    arguments: [accountOrAll],
    flags: [json, simulator],
    summary: "Show the failed logins that count towards a lock of the account",
    details: [
      "After a few refused logins, no more logins are sent, because the broker may lock the account. Correct the credentials with broker-auth add --replace, then run broker-auth guard reset."
    ]
  },
  {
    name: "guard reset",
    arguments: [account],
    flags: [simulator],
    summary: "Clear the failed logins, after you have corrected the credentials",
    details: [
      "Sends nothing to the broker. After this command, a login sends the stored credentials again, even if the broker has refused them."
    ]
  },
  {
    name: "doctor",
    arguments: [account],
    flags: [
      { name: "login", description: "also send one login; if it fails, it counts towards a lock of the account" },
      json,
      simulator
    ],
    summary: "Check what can prevent a login, and say what to do",
    details: [
      "Checks the form of the credentials, the proxy, the certificates, the connection, the broker's answer, the clock, the login guard and the stored session. Each problem has a line that says what to do. The exit code is that of the worst problem.",
      "Without --login, nothing is sent that counts towards a lock of the account. So a wrong PIN is not found, and a wrong client code is found only if its form is wrong. With --login, one login is sent, except in these cases: the stored session is live, the login needs a browser or a QR code, or another check found a problem that a login cannot solve. If the broker accepts the login, you are logged in.",
      "Brokers accept orders only from a registered IP address. The command sends no order, and asks no third party for the address of this machine. So it finds an unregistered address only if the broker also checks the address of other calls."
    ]
  },
  {
    name: "recover",
    arguments: [{ name: "broker", kind: "required", description: "a broker that can recover accounts: rmoney" }],
    flags: [simulator],
    summary: "Unblock an account, or set a new password",
    details: [
      "Asks at the terminal for all values, such as the PAN of the account holder and the codes that the broker sends."
    ]
  },
  {
    name: "open",
    arguments: [],
    flags: [
      { name: "link", description: "do not open a browser: print the link, which works once within 60 seconds" },
      { name: "port", value: "N", description: "port of 127.0.0.1 (default: a free port)" },
      simulator
    ],
    summary: "Open a browser page that shows all accounts and logs in to any of them",
    details: [
      "For each account, the page shows when the session expires, how it is renewed, the state of the login guard, and the last failure. To log in, the page opens the broker's login page, asks for a one-time code, or shows a QR code. No token and no credential is on the page.",
      "The command ends with Ctrl-C, or 15 minutes after the last page is closed. A link opens the page once, so a reload needs a new link. To get one, press Enter in the terminal of the command, or run the command again.",
      "If the accounts are on a machine without a browser, run broker-auth open --link --port 8400 there, and ssh -N -L 8400:127.0.0.1:8400 MACHINE on your own machine."
    ]
  },
  {
    name: "serve",
    arguments: [],
    flags: [
      {
        name: "socket",
        value: "PATH",
        description: "path of the Unix socket (default: serve.sock in the folder of the vault)"
      },
      { name: "port", value: "N", description: "serve on a port of 127.0.0.1, not on a socket; 0 chooses a free port" },
      {
        name: "for",
        value: "PROGRAM",
        description: "print a new bearer token for this program, then exit; the token is not shown again"
      },
      {
        name: "revoke",
        value: "PROGRAM",
        description: "refuse the bearer token of this program from now on, then exit"
      },
      { name: "programs", description: "list the programs that have a bearer token, then exit" },
      simulator
    ],
    summary: "Serve sessions as JSON to programs in any language",
    details: [
      "Prints the socket or the address on standard output, and serves until Ctrl-C or SIGTERM. Programs that run as this user can open the socket. On a port, each program sends its own bearer token: Authorization: Bearer …",
      'The server answers GET /v1/accounts, GET /v1/accounts/NAME/session, POST /v1/accounts/NAME/renew, GET /v1/events and GET /v1/openapi.json. The body of the POST request is {"token":"…"}, with the access token that the broker has refused. With curl: curl --unix-socket PATH http://localhost/v1/accounts',
      "The server sends no login that needs a person. Instead, it answers 409 with the command that logs in. On Windows, the server serves on a port."
    ]
  },
  {
    name: "vault",
    arguments: [],
    flags: [simulator],
    summary: "Show where credentials and sessions are stored, and how",
    details: []
  },
  {
    name: "vault list",
    arguments: [],
    flags: [json, simulator],
    summary: "List the entries of the vault for each account, without secrets",
    details: [
      "Shows the version of each entry (1 after the first write), until when a session is live, and the names of the stored credentials. The command looks up only the entries of existing accounts, so entries of removed accounts are not listed. The exit code is 10 if an entry cannot be read."
    ]
  },
  {
    name: "vault encrypt",
    arguments: [],
    flags: [simulator],
    summary: "Encrypt entries that another program has stored without encryption",
    details: [
      "broker-auth itself encrypts every entry that it stores in the vault. broker-auth status says which entries are not encrypted. First stop the program that writes them, or give it the key of the vault."
    ]
  },
  {
    name: "vault rekey",
    arguments: [],
    flags: [simulator],
    summary: "Encrypt the vault with the key in BROKER_AUTH_NEW_KEY",
    details: [
      "Make the new key: openssl rand -hex 32. After broker-auth vault rekey, set BROKER_AUTH_KEY to the new key in every program. If the command is interrupted, run it again."
    ]
  },
  {
    name: "vault remove",
    arguments: [],
    flags: [{ name: "yes", description: "do not ask for a confirmation" }, simulator],
    summary: "Delete all credentials and sessions",
    details: [
      "Sends nothing to a broker. Use this command if the key is lost, or if another program has changed the vault."
    ]
  },
  {
    name: "demo",
    arguments: [],
    flags: [],
    summary: "Show a trading day at fake brokers, from login to logout",
    details: [
      "Needs no account. It shows logins, a restart, codes by SMS, failed logins, a session that ends early, and midnight. The brokers are those of the package @auth/simulator, on this machine: nothing is sent to a real broker.",
      "Your vault is not used. The sessions of the demo are in a temporary folder, which is removed at the end and at Ctrl-C."
    ]
  },
  {
    name: "simulate",
    arguments: [{ name: "arguments", kind: "rest", description: "arguments of broker-auth-simulator" }],
    flags: [],
    summary: "Run the broker simulator of the package @auth/simulator",
    details: ["broker-auth simulate --help describes the arguments."]
  }
] as const satisfies ReadonlyArray<Row>

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

export type Input<N extends Name> = ArgumentsOf<RowOf<N>> & FlagsOf<RowOf<N>>
