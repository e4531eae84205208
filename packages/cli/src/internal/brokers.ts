/**
 * Loads the packages of brokers. Packages are resolved from the folder where `@auth/cli` is installed. If they were
 * resolved from the current folder, a package in a downloaded repository could read the vault. Only a package that the
 * user names with `--package` can come from another folder.
 */
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { Authorize } from "@auth/broker-core/login/Authorize"
import type { Login } from "@auth/broker-core/login/Login"
import type { Logout } from "@auth/broker-core/login/Logout"
import type { Profile } from "@auth/broker-core/login/Profile"
import type { QrLogin } from "@auth/broker-core/login/QrLogin"
import type { RedirectLogin } from "@auth/broker-core/login/RedirectLogin"
import type { StepUp } from "@auth/broker-core/login/StepUp"
import type { Broker, Method } from "@auth/broker-core/broker/Broker"
import type { Renewal } from "@auth/broker-core/broker/Renewal"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { type CommandFailed, fail, Rejected } from "./failure.ts"
import { registry } from "./registry.ts"

/** The services that `broker-auth` uses. A login method has only some of them: see its `capabilities`. */
export type Services = Renewal | Logout | Authorize | Profile | RedirectLogin | QrLogin | Login | StepUp

export type MethodLayer = Layer.Layer<Services, AuthError, HttpClient.HttpClient>

interface LayerModule {
  readonly layerConfig: (options: object) => MethodLayer
}

interface BrokerModule {
  readonly broker: Broker
}

export interface Loaded {
  readonly broker: Broker
  /** The methods that return a session. */
  readonly methods: ReadonlyArray<Method>
  readonly layerModule: (method: Method) => Effect.Effect<LayerModule, CommandFailed>
}

export const brokerIds: ReadonlyArray<string> = Object.keys(registry)

const ownFile = fileURLToPath(import.meta.url)

/** Returns the npm command that installs the package `name` beside `@auth/cli`. `file` is a file of `@auth/cli`. */
export const installLine = (name: string, file = ownFile): string => {
  const own = file.replaceAll("\\", "/")
  const end = own.lastIndexOf("/node_modules/@auth/cli/")
  if (end === -1) return `npm install ${name}`
  const prefix = own.slice(0, end)
  // npm's global folder has no package.json. With --prefix, npm would remove all packages from such a folder.
  if (prefix.endsWith("/lib") || !Fs.existsSync(`${prefix}/package.json`)) return `npm install --global ${name}`
  return `npm install --prefix ${/^[\w@%+=:,./-]*$/.test(prefix) ? prefix : `"${prefix}"`} ${name}`
}

const isMissing = (error: unknown): boolean => {
  const { code } = error as { readonly code?: unknown }
  return code === "ERR_MODULE_NOT_FOUND" || code === "ERR_PACKAGE_PATH_NOT_EXPORTED"
}

const notInstalled = (name: string) =>
  fail("package", `The package ${name} is not installed. Install it: ${installLine(name)}`)

export const load = <A>(name: string, module: string): Effect.Effect<A, CommandFailed> =>
  Effect.catch(
    Effect.tryPromise({
      try: () => import(`${name}/${module}`) as Promise<A>,
      catch: (error) => new Rejected({ error })
    }),
    ({ error }) => (isMissing(error) ? notInstalled(name) : Effect.die(error))
  )

export const fileOf = (name: string, module: string): Effect.Effect<string, CommandFailed> =>
  Effect.catch(
    Effect.try({
      try: () => fileURLToPath(import.meta.resolve(`${name}/${module}`)),
      catch: (error) => new Rejected({ error })
    }),
    ({ error }) => (isMissing(error) ? notInstalled(name) : Effect.die(error))
  )

const loadedOf = (
  broker: Broker,
  importModule: (module: string) => Effect.Effect<LayerModule, CommandFailed>
): Loaded => ({
  broker,
  methods: broker.methods.filter(({ capabilities }) => capabilities.includes("Authorize")),
  layerModule: ({ layer }) => importModule(layer)
})

export const loadBroker = Effect.fnUntraced(function* (
  id: string,
  folder?: string
): Effect.fn.Return<Loaded, CommandFailed> {
  if (folder !== undefined) {
    const found = (yield* loadPackage(folder)).brokers
    const ids = found.map(({ broker }) => broker.id).join(", ")
    return (
      found.find(({ broker }) => broker.id === id) ??
      (yield* unusable(folder, `it has no broker ${JSON.stringify(id)}. Its brokers are ${ids}`))
    )
  }
  const found = Object.hasOwn(registry, id) ? registry[id] : undefined
  if (found === undefined) {
    return yield* fail("usage", `There is no broker ${JSON.stringify(id)}. The brokers are ${brokerIds.join(", ")}.`)
  }
  const { broker } = yield* load<BrokerModule>(found.package, `${found.name}Broker`)
  return loadedOf(broker, (module) => load<LayerModule>(found.package, module))
})

const Manifest = Schema.fromJsonString(Schema.Struct({ name: Schema.String }))

const unusable = (folder: string, problem: string) =>
  fail("package", `The folder ${folder} cannot be used as the package of a broker: ${problem}.`)

/**
 * Two packages use the same copy of `effect` if `effect/Redacted` resolves to the same file for both. A copy cannot
 * read a `Redacted` that another copy made.
 */
const effectModule = "effect/Redacted"

/**
 * The compiler cannot check a package that the user names with `--package`. The package may export any value as
 * `broker`.
 */
const isBroker = Schema.is(
  Schema.Struct({
    id: Schema.String,
    title: Schema.String,
    environments: Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.String)),
    methods: Schema.Array(
      Schema.Struct({
        id: Schema.String,
        title: Schema.String,
        layer: Schema.String,
        capabilities: Schema.Array(Schema.String),
        credentials: Schema.Record(
          Schema.String,
          Schema.Struct({ env: Schema.String, description: Schema.String, secret: Schema.Boolean })
        )
      })
    )
  })
)

export interface NamedPackage {
  readonly name: string
  readonly brokers: ReadonlyArray<Loaded>
}

const hasManifest = (folder: string): boolean => Fs.existsSync(Path.join(folder, "package.json"))

/** `named` is a folder, or the name of a package that is installed in the current folder or in a folder above. */
export const folderOfPackage = (named: string): string => {
  const folder = Path.resolve(named)
  if (hasManifest(folder) || !/^(?:@[\w.-]+\/)?\w[\w.-]*$/.test(named)) return folder
  const places = createRequire(Path.resolve("package.json")).resolve.paths(named) ?? []
  return places.map((place) => Path.join(place, named)).find(hasManifest) ?? folder
}

export const loadPackage = Effect.fnUntraced(function* (folder: string): Effect.fn.Return<NamedPackage, CommandFailed> {
  const text = Result.try(() => Fs.readFileSync(Path.join(folder, "package.json"), "utf8"))
  const manifest = Option.flatMap(Result.getSuccess(text), Schema.decodeUnknownOption(Manifest))
  if (Option.isNone(manifest)) {
    const help = "Use the folder of a package, or the name of a package that is installed in the current folder"
    return yield* unusable(folder, `it has no package.json with a name. ${help}`)
  }
  const { name } = manifest.value
  const require = createRequire(Path.join(folder, "package.json"))
  const resolve = (specifier: string) =>
    Result.getOrUndefined(Result.try(() => Fs.realpathSync(require.resolve(specifier))))
  const own = Result.getOrUndefined(
    Result.try(() => Fs.realpathSync(createRequire(import.meta.url).resolve(effectModule)))
  )
  if (resolve(effectModule) !== own) {
    return yield* unusable(
      folder,
      "it uses a different copy of effect than broker-auth. Install the package beside broker-auth"
    )
  }
  const importModule = <A>(module: string): Effect.Effect<A, CommandFailed> => {
    const file = resolve(`${name}/${module}`)
    return file === undefined
      ? unusable(folder, `it has no module ${module}. If its sources are not compiled yet, compile them`)
      : Effect.catch(
          Effect.tryPromise({
            try: () => import(pathToFileURL(file).href) as Promise<A>,
            catch: (error) => new Rejected({ error })
          }),
          () => unusable(folder, `its module ${module} cannot be loaded`)
        )
  }
  const files = ["dist", "src"].flatMap((inner) =>
    Result.getOrElse(
      Result.try(() => Fs.readdirSync(Path.join(folder, inner))),
      () => []
    )
  )
  const modules = new Set(files.flatMap((file) => /^(\w+Broker)\.[jt]s$/.exec(file)?.[1] ?? []))
  const exported = yield* Effect.forEach(modules, (module) => importModule<Partial<BrokerModule>>(module))
  const brokers = exported.flatMap(({ broker }) => (isBroker(broker) ? [loadedOf(broker, importModule)] : []))
  if (brokers.length === 0) {
    return yield* unusable(
      folder,
      "it has no module whose name ends in Broker and which exports the description of a broker"
    )
  }
  return { name, brokers }
})

/** The layer options that select a method. Only a method that shares its layer with another method needs them. */
const optionsOf: Readonly<Record<string, object>> = { "rmoney/sso-vendor": { exchange: "vendor" } }

export const layerOptions = (broker: Broker, method: Method): object => optionsOf[`${broker.id}/${method.id}`] ?? {}
