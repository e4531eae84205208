/** The handlers of the commands. A handler returns the exit code. If it returns nothing, the command succeeded. */
import { Renewal } from "@auth/broker-core/broker/Renewal"
import { Authorize } from "@auth/broker-core/login/Authorize"
import * as Expiry from "@auth/broker-core/login/Expiry"
import type * as Session from "@auth/broker-core/login/Session"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import type { VaultError } from "@auth/broker-core/session/VaultError"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import process from "node:process"
import * as accounts from "./accounts.ts"
import * as accountStatus from "./accountStatus.ts"
import { add } from "./add.ts"
import * as brokers from "./brokers.ts"
import * as children from "./children.ts"
import type { Input, Name } from "./commandTable.ts"
import * as connect from "./connect.ts"
import { codeOf, fail, type Failure, messageOf, promised } from "./failure.ts"
import { doctor } from "./doctor.ts"
import * as entries from "./entries.ts"
import * as homes from "./home.ts"
import { codes, untilText } from "./login.ts"
import { login } from "./logins.ts"
import * as output from "./output.ts"
import { recover } from "./recover.ts"
import { registry, simulatorPackage } from "./registry.ts"
import * as sessions from "./sessions.ts"
import * as vault from "./vault.ts"

export type Handler<N extends Name> = (input: Input<N>) => Effect.Effect<number | void, Failure>

const brokerRow = (name: string, { broker, methods }: brokers.Loaded) => ({
  id: broker.id,
  package: name,
  title: broker.title,
  methods: methods.map((method) => ({
    id: method.id,
    title: method.title,
    credentials: Object.values(method.credentials).map(({ env, optional, secret }) => ({
      name: env,
      secret,
      optional: optional === true
    }))
  }))
})

const rowsOfRegistry = Effect.forEach(Object.entries(registry), ([id, { package: name }]) =>
  Effect.match(brokers.loadBroker(id), {
    onFailure: () => ({ id, package: name, install: brokers.installLine(name), title: undefined, methods: [] }),
    onSuccess: (loaded) => brokerRow(name, loaded)
  })
)

const rowsOfPackage = (named: string) =>
  Effect.map(brokers.loadPackage(brokers.folderOfPackage(named)), ({ brokers: found, name }) =>
    found.map((loaded) => brokerRow(name, loaded))
  )

const listBrokers: Handler<"brokers"> = Effect.fnUntraced(function* (input) {
  const rows = yield* input.package === undefined ? rowsOfRegistry : rowsOfPackage(input.package)
  if (input.json) return yield* output.json(rows)
  for (const row of rows) {
    yield* output.line(
      "install" in row ? `${row.id}: not installed. Install it: ${row.install}` : `${row.id}: ${row.title}`
    )
    for (const { id, title } of row.methods) yield* output.line(`    ${id}: ${title}`)
  }
})

const titleOf = ({ broker: id, folder }: accounts.Entry) =>
  Effect.match(brokers.loadBroker(id, folder), { onFailure: () => id, onSuccess: ({ broker }) => broker.title })

const noAccounts = output.say("There is no account yet. Add one: broker-auth add <broker>")

const listAccounts: Handler<"accounts"> = Effect.fnUntraced(function* (input) {
  const home = yield* homes.open(input)
  const list = yield* accounts.list(home.store)
  if (input.json) {
    return yield* output.json(
      list.map(({ account, broker, method, name }) => ({ name, broker, method, id: account.id }))
    )
  }
  if (list.length === 0) return yield* noAccounts
  for (const entry of list) yield* output.line(`${entry.name}: ${yield* titleOf(entry)}, ${entry.account.id}`)
}, Effect.scoped)

const showStatus = Effect.fnUntraced(function* (input: Input<"status">): Effect.fn.Return<void, Failure, Scope.Scope> {
  const home = yield* homes.open(input)
  const chosen =
    input.account === undefined ? yield* accounts.list(home.store) : [yield* accounts.choose(home.store, input.account)]
  const rows = yield* Effect.forEach(chosen, (entry) => accountStatus.read(home, entry))
  if (input.json) {
    return yield* output.json({
      vault: home.store.describe,
      encrypted: rows.every(({ clear }) => clear.length === 0),
      accounts: rows.map(({ clear, countedAt, entry, memory, method, session, state }) => ({
        name: entry.name,
        broker: entry.broker,
        method: entry.method,
        id: entry.account.id,
        session: state,
        issuedAt: output.toIso(session?.issuedAt),
        expiresAt: output.toIso(session?.expiresAt),
        renewedBy: method?.renewal?.by ?? null,
        failedLogins: countedAt.length,
        maxFailedLogins: method?.renewal?.maxFailures ?? null,
        pausedUntil: output.toIso(memory.pausedUntil),
        locked: memory.locked === undefined ? null : { ...memory.locked, at: output.toIso(memory.locked.at) },
        inClear: clear
      }))
    })
  }
  if (rows.length === 0) return yield* noAccounts
  for (const { clear, entry } of rows) {
    if (clear.length > 0) yield* output.line(entries.clearText(entry.name, clear))
  }
  for (const row of rows) {
    const { entry, title } = row
    yield* output.line(`${entry.name}: ${title}, ${entry.account.id}`)
    yield* output.line(`    session: ${accountStatus.sessionText(row)}`)
    yield* output.line(`    renewal: ${accountStatus.renewalText(row)}`)
    yield* output.line(`    login guard: ${accountStatus.guardText(row)}`)
  }
  yield* output.line(`Stored in ${home.store.describe}`)
})

const watchInterval = "5 seconds"

const clear = Effect.sync(() => void (process.stdout.isTTY && process.stdout.write("\u001b[H\u001b[2J")))

const status: Handler<"status"> = (input) => {
  const once = Effect.scoped(showStatus(input))
  if (!input.watch) return once
  const shown = Effect.andThen(clear, Effect.andThen(once, Effect.sleep(watchInterval)))
  return Effect.forever(shown)
}

const remove: Handler<"remove"> = Effect.fnUntraced(function* (input) {
  const home = yield* homes.open(input)
  const entry = yield* accounts.choose(home.store, input.account)
  yield* accounts.remove(home.store, entry.name)
  yield* output.say(`Removed ${entry.name} and its credentials.`)
}, Effect.scoped)

const withSession = <A>(
  input: { readonly account: string | undefined; readonly simulator: string | undefined },
  use: (session: Session.Session, opened: connect.Opened) => Effect.Effect<A, Failure>
): Effect.Effect<A, Failure | VaultError> =>
  Effect.gen(function* () {
    const home = yield* homes.open(input)
    const entry = yield* accounts.choose(home.store, input.account)
    const opened = yield* connect.open(home, entry)
    return yield* use(yield* connect.session(opened), opened)
  }).pipe(Effect.scoped)

const token: Handler<"token"> = (input) =>
  withSession(input, (session) => output.raw(Redacted.value(session.tokens.access)))

const header: Handler<"header"> = (input) =>
  withSession(input, (session, { connection }) =>
    Effect.gen(function* () {
      const { headers } = yield* promised(() => connection.run(Authorize))
      for (const [name, value] of Object.entries(headers(session))) {
        yield* output.raw(`${name}: ${Redacted.isRedacted(value) ? Redacted.value(value) : value}`)
      }
    })
  )

const variablesOf = ({ account, expiresAt, tokens }: Session.Session): Readonly<Record<string, string>> => ({
  BROKER_AUTH_BROKER: account.broker,
  BROKER_AUTH_ACCOUNT: account.id,
  BROKER_AUTH_TOKEN: Redacted.value(tokens.access),
  ...(expiresAt === undefined ? {} : { BROKER_AUTH_EXPIRES_AT: String(expiresAt) }),
  ...(tokens.feed === undefined ? {} : { BROKER_AUTH_FEED_TOKEN: Redacted.value(tokens.feed) })
})

const quoted = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`

const env: Handler<"env"> = (input) =>
  withSession(input, (session) =>
    Effect.forEach(
      Object.entries(variablesOf(session)),
      ([name, value]) => output.raw(`export ${name}=${quoted(value)}`),
      { discard: true }
    )
  )

const exec: Handler<"exec"> = Effect.fnUntraced(function* (input) {
  const [program, ...args] = input.command
  if (program === undefined)
    return yield* fail("usage", "Name the program after --: broker-auth exec angel -- node trade.js")
  const session = yield* withSession(input, Effect.succeed)
  // The vault is closed before the program starts.
  return yield* children.run(program, args, variablesOf(session))
})

const profile: Handler<"profile"> = Effect.fnUntraced(function* (input) {
  const home = yield* homes.open(input)
  const entry = yield* accounts.choose(home.store, input.account)
  const opened = yield* connect.open(home, entry)
  const { loaded, method } = opened
  if (!method.capabilities.includes("Profile")) {
    return yield* fail("usage", `${loaded.broker.title} has no profile for the method ${method.id}.`)
  }
  yield* connect.session(opened)
  const found = yield* promised(() => opened.connection.profile())
  if (input.json) return yield* output.json(found)
  const { flags = {}, ...fields } = found
  for (const [name, value] of Object.entries({ ...fields, ...flags })) {
    yield* output.line(`${name}: ${Array.isArray(value) ? value.join(", ") : String(value)}`)
  }
}, Effect.scoped)

const renew: Handler<"renew"> = Effect.fnUntraced(function* (input) {
  const home = yield* homes.open(input)
  const entry = yield* accounts.choose(home.store, input.account)
  const opened = yield* connect.open(home, entry, { codes })
  const session = yield* connect.needsLogin(opened, () => opened.connection.renew())
  yield* output.say(`${entry.name} is logged in ${untilText(session)}.`)
}, Effect.scoped)

const logoutOf = Effect.fnUntraced(function* (home: homes.Home, entry: accounts.Entry) {
  if ((yield* sessions.stored(home.store, entry)) === undefined)
    return yield* output.say(`${entry.name} is not logged in.`)
  const { connection } = yield* connect.open(home, entry)
  const receipt = yield* promised(() => connection.logout())
  const text =
    receipt._tag === "Revoked"
      ? "the broker has ended the session"
      : receipt.why === "already-over"
        ? "the session had already ended"
        : "the session is deleted here; the broker has no call that ends it"
  yield* output.say(`${entry.name} is logged out: ${text}.`)
}, Effect.scoped)

const logout: Handler<"logout"> = Effect.fnUntraced(function* (input) {
  const home = yield* homes.open(input)
  if (!input.all) return yield* logoutOf(home, yield* accounts.choose(home.store, input.account))
  if (input.account !== undefined) return yield* fail("usage", "Name an account, or use --all, but not both.")
  const list = yield* accounts.list(home.store)
  if (list.length === 0) return yield* noAccounts
  const failures: Array<Failure> = []
  for (const entry of list) {
    yield* Effect.catch(logoutOf(home, entry), (error) => {
      failures.push(error)
      return output.say(`${entry.name}: ${messageOf(error, entry.name)}`)
    })
  }
  const [first] = failures
  return first === undefined ? undefined : codeOf(first)
}, Effect.scoped)

const guard: Handler<"guard"> = Effect.fnUntraced(function* (input) {
  const home = yield* homes.open(input)
  const chosen =
    input.account === undefined ? yield* accounts.list(home.store) : [yield* accounts.choose(home.store, input.account)]
  const rows = yield* Effect.forEach(chosen, (entry) => accountStatus.read(home, entry))
  if (input.json) {
    return yield* output.json(
      rows.map(({ countedAt, entry, memory, method }) => ({
        name: entry.name,
        countedAt: countedAt.map(output.toIso),
        refusedAt: memory.refusedAt.map(output.toIso),
        unansweredAt: memory.unansweredAt.map(output.toIso),
        pausedUntil: output.toIso(memory.pausedUntil),
        locked: memory.locked === undefined ? null : { ...memory.locked, at: output.toIso(memory.locked.at) },
        maxFailedLogins: method?.renewal?.maxFailures ?? null
      }))
    )
  }
  if (rows.length === 0) return yield* noAccounts
  for (const row of rows) {
    yield* output.line(`${row.entry.name}: ${accountStatus.guardText(row)}`)
    const ending = (at: number) => `${Expiry.toIst(at)}${row.countedAt.includes(at) ? "" : ", not counted"}`
    for (const at of row.memory.refusedAt) yield* output.line(`    refused at ${ending(at)}`)
    for (const at of row.memory.unansweredAt) yield* output.line(`    no answer at ${ending(at)}`)
  }
}, Effect.scoped)

const resetGuard: Handler<"guard reset"> = Effect.fnUntraced(function* (input) {
  const home = yield* homes.open(input)
  const entry = yield* accounts.choose(home.store, input.account)
  const { connection } = yield* connect.open(home, entry)
  const { credentials } = yield* promised(() => connection.run(Renewal))
  yield* LoginGuard.make(home.store).reset(entry.account, { credentials })
  yield* output.say(`The failed logins of ${entry.name} are cleared. Programs can log in again.`)
}, Effect.scoped)

const simulate: Handler<"simulate"> = Effect.fnUntraced(function* (input) {
  const file = yield* brokers.fileOf(simulatorPackage, "bin")
  return yield* children.run(process.execPath, [...process.execArgv, file, ...input.arguments])
})

/** The demo imports the simulator. So the demo is loaded only if the simulator is installed. */
const demo: Handler<"demo"> = () =>
  brokers.fileOf(simulatorPackage, "Simulator").pipe(
    Effect.andThen(promised(() => import("./demo/demo.ts"))),
    Effect.flatMap(({ run }) => run)
  )

const serve: Handler<"serve"> = (input) =>
  Effect.flatMap(
    Effect.promise(() => import("./serve/serve.ts")),
    (module) => module.serve(input)
  )

const open: Handler<"open"> = (input) =>
  Effect.flatMap(
    Effect.promise(() => import("./open/open.ts")),
    (module) => module.open(input)
  )

export const handlers: { readonly [N in Name]: Handler<N> } = {
  brokers: listBrokers,
  add,
  accounts: listAccounts,
  status,
  remove,
  login,
  token,
  header,
  env,
  exec,
  profile,
  renew,
  logout,
  guard,
  "guard reset": resetGuard,
  doctor,
  recover,
  open,
  serve,
  vault: vault.describe,
  "vault list": vault.list,
  "vault encrypt": vault.encrypt,
  "vault rekey": vault.rekey,
  "vault remove": vault.remove,
  demo,
  simulate
}
