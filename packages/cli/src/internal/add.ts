/** `add`: reads the credentials of an account from the terminal or standard input, checks them, and stores them. */
import type { Method } from "@auth/broker-core/broker/Broker"
import { Renewal } from "@auth/broker-core/broker/Renewal"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import process from "node:process"
import { text } from "node:stream/consumers"
import * as accounts from "./accounts.ts"
import * as brokers from "./brokers.ts"
import type { Input } from "./commandTable.ts"
import * as connect from "./connect.ts"
import { type CommandFailed, type Failure, fail } from "./failure.ts"
import { problemOf, verbatim } from "./fieldProblem.ts"
import * as homes from "./home.ts"
import { say } from "./output.ts"
import * as prompts from "./prompts.ts"

type Values = Readonly<Record<string, Redacted.Redacted<string>>>

const methodList = (methods: ReadonlyArray<Method>): string => methods.map(({ id }) => id).join(", ")

const chooseMethod = Effect.fnUntraced(function* (
  { broker, methods }: brokers.Loaded,
  given: string | undefined,
  ask: prompts.Ask | undefined
): Effect.fn.Return<Method, CommandFailed> {
  const [first] = methods
  if (given !== undefined) {
    const method = methods.find(({ id }) => id === given)
    return (
      method ??
      (yield* fail(
        "usage",
        `${broker.title} has no method ${JSON.stringify(given)}. Its methods are ${methodList(methods)}.`
      ))
    )
  }
  if (first !== undefined && methods.length === 1) return first
  if (ask === undefined) {
    return yield* fail(
      "usage",
      `${broker.title} has several ways to log in. Choose one with --method: ${methodList(methods)}.`
    )
  }
  yield* say(`Ways to log in to ${broker.title}:`)
  for (const [index, { id, title }] of methods.entries()) yield* say(`  ${index + 1}  ${title} (${id})`)
  while (true) {
    const answer = (yield* ask(`Number from 1 to ${methods.length}`, "shown")).trim()
    const method = methods.find(({ id }, index) => id === answer || String(index + 1) === answer)
    if (method !== undefined) return method
    yield* say("This is not one of the numbers.")
  }
})

export const askFields = Effect.fnUntraced(function* (
  { broker }: brokers.Loaded,
  method: Method,
  given: { readonly ask: prompts.Ask; readonly verbatimNames: Values }
): Effect.fn.Return<Values, CommandFailed> {
  const values: Record<string, Redacted.Redacted<string>> = {}
  yield* say(`${broker.title}: ${method.title}. Secrets are not shown. Ctrl-C ends the command, and stores nothing.`)
  for (const field of Object.values(method.credentials)) {
    const optional = field.optional === true ? " (optional, press Enter to skip)" : ""
    // If a field is a layer option (`field.option`), the field's description lists only the possible values. The
    // question then also names the field's environment variable.
    const name = field.option === undefined ? "" : `${field.env}: `
    while (true) {
      const answer = yield* given.ask(`${name}${field.description}${optional}`, field.secret ? "secret" : "shown")
      if (answer.trim() === "" && field.optional === true) break
      const value = Redacted.make(answer)
      const problem = yield* problemOf(broker.id, field, value, given.verbatimNames)
      if (problem === undefined) {
        values[field.env] = value
        break
      }
      yield* say(`  This value ${problem}`)
    }
  }
  return values
})

const namesOf = (method: Method): string =>
  Object.values(method.credentials)
    .map(({ env, optional }) => (optional === true ? `${env} (optional)` : env))
    .join(", ")

const readFields = Effect.fnUntraced(function* (method: Method): Effect.fn.Return<Values, CommandFailed> {
  const input = yield* Effect.promise(() => text(process.stdin))
  const names = new Set(Object.values(method.credentials).map(({ env }) => env))
  const values: Record<string, Redacted.Redacted<string>> = {}
  for (const [index, line] of input.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue
    const at = line.indexOf("=")
    const name = line.slice(0, Math.max(at, 0)).trim()
    if (at === -1) return yield* fail("input", `Line ${index + 1} of standard input is not NAME=value.`)
    if (!names.has(name)) {
      return yield* fail("input", `Line ${index + 1} of standard input has a name other than ${namesOf(method)}.`)
    }
    if (values[name] !== undefined) return yield* fail("input", `Line ${index + 1} of standard input repeats ${name}.`)
    const value = line.slice(at + 1)
    if (value.trim() !== "") values[name] = Redacted.make(value)
  }
  if (Object.keys(values).length === 0) {
    return yield* fail(
      "input",
      `Standard input has no credentials. Run the command in a terminal, or pass lines NAME=value with the names ${namesOf(method)}.`
    )
  }
  return values
})

const readVerbatim = Effect.map(Effect.option(Config.Redacted(verbatim)), (found): Values =>
  Option.isSome(found) ? { [verbatim]: found.value } : {}
)

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

export const add = Effect.fnUntraced(function* (input: Input<"add">): Effect.fn.Return<void, Failure, Scope.Scope> {
  const name = input.name ?? input.broker
  if (!namePattern.test(name)) {
    return yield* fail(
      "usage",
      "A name begins with a letter or a digit. It has at most 64 letters, digits, dots, hyphens, underscores and @ signs."
    )
  }
  const folder = input.package === undefined ? undefined : brokers.folderOfPackage(input.package)
  const loaded = yield* brokers.loadBroker(input.broker, folder)
  const home = yield* homes.open(input)
  const isTaken = (yield* accounts.list(home.store)).some((entry) => entry.name === name)
  if (isTaken && !input.replace) return yield* accounts.inUse(name)
  const ask = (yield* prompts.isTerminal) ? yield* prompts.open : undefined
  const method = yield* chooseMethod(loaded, input.method, ask)
  const verbatimNames = yield* readVerbatim
  const given = ask === undefined ? yield* readFields(method) : yield* askFields(loaded, method, { ask, verbatimNames })
  const values = { ...verbatimNames, ...given }
  const layer = yield* connect.layerOf(loaded, method, { values, origins: home.origins })
  // Building the layer checks all credentials together, and sends nothing.
  const { account } = yield* Effect.provide(Renewal, Layer.provide(layer, FetchHttpClient.layer))
  const entry = {
    name,
    broker: input.broker,
    method: method.id,
    account,
    values,
    ...(folder !== undefined && { folder })
  }
  yield* accounts.add(home.store, entry, { replace: input.replace })
  yield* say(
    `Added ${name}: ${loaded.broker.title}, ${account.id}. Its credentials are stored in ${home.store.describe}.`
  )
  yield* say(`Log in: broker-auth login ${name}`)
}, Effect.scoped)
