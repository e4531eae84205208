import * as Account from "@auth/broker-core/login/Account"
import type * as AuthError from "@auth/broker-core/login/AuthError"
import type { Broker } from "@auth/broker-core/broker/Broker"
import * as BrokerApi from "@auth/broker-core/broker/BrokerApi"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Logout from "@auth/broker-core/login/Logout"
import * as Method from "@auth/broker-core/broker/Method"
import * as QrLogin from "@auth/broker-core/login/QrLogin"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import * as Session from "@auth/broker-core/login/Session"
import { TestHttp } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Shape from "@auth/broker-core/broker/Shape"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { shown } from "./support.ts"
import { no, protocol, type Seen, yes } from "./tiny.ts"

const credentials = {
  site: {
    env: "TINY_SITE",
    description: "Site",
    secret: false,
    problem: (value: string) => (/^[ab]$/.test(value) ? undefined : "is neither a nor b"),
    option: ({ site }: { readonly site?: string | undefined }, configured: unknown = "none") => site ?? configured
  },
  id: { env: "TINY_ID", description: "Id of the account", secret: false }
} as const

const broker: Broker = {
  id: "tiny",
  title: "Tiny",
  methods: [
    {
      id: "qr",
      layer: "Tiny",
      title: "Picture",
      capabilities: ["QrLogin", "Logout", "Authorize"],
      credentials,
      expiry: "00:00 IST",
      renewal: { by: [], when: "made up", maxFailures: 1, window: "1 hour", source: "made up" }
    }
  ],
  environments: { production: { api: "https://api.tiny.example" } },
  secretHeaders: ["authorization"],
  documentation: ["https://tiny.example"],
  assumptions: [],
  verifiedOn: "2026-11-27"
}

const Code = Schema.Struct({ id: Decode.Text, code: Decode.Secret })

const table = {
  draw: Endpoint.make({
    name: "draw",
    method: "GET",
    path: "/v1/qr",
    token: "none",
    response: Schema.Struct(Shape.each(Decode.requiredSecret, "name", "image"))
  }),
  poll: Endpoint.make({
    name: "poll",
    method: "POST",
    path: "/v1/qr/poll",
    token: "none",
    request: Schema.Struct({ name: Decode.Secret }),
    response: Schema.Struct({ token: Decode.secret, holder: Decode.text })
  }),
  verify: Endpoint.make({
    name: "verify",
    method: "POST",
    path: "/v1/verify",
    token: "step",
    account: "id",
    app: ["device", "program"],
    request: Code,
    body: (request, app) => ({ ...request, ...app }),
    response: Decode.discard(Schema.Unknown)
  }),
  leave: Endpoint.make({
    name: "leave",
    method: "DELETE",
    path: "/v1/session",
    token: "required",
    response: Decode.discard(Schema.Unknown)
  })
}

class TinyApi extends Context.Service<TinyApi, BrokerApi.BrokerApi<typeof table>>()("test/StepsApi") {}

interface Options extends Method.QrOptions {
  readonly site?: string | undefined
  readonly base?: string | undefined
  readonly leaves?: boolean
}

const makeApi = (_: unknown, { base = "/v1" }: Options) =>
  BrokerApi.make(
    table,
    {
      ...protocol,
      headers: ({ account, step, tokens }) => ({
        "content-type": "application/json",
        ...(step && { authorization: Redacted.make(`Step ${account} ${Redacted.value(step)}`) }),
        ...(tokens && { authorization: tokens.access })
      }),
      // Of these values, `verify` sends only `device` and `program`, in this order.
      app: { program: "p", other: "o", device: "d" },
      path: ({ path }) => path.replace("/v1", base)
    },
    broker.environments["production"] ?? {},
    {}
  )

const account = ({ id, site }: Credentials.Values<typeof credentials>) => ({ id, environment: site })

const method = Method.qr(
  {
    broker,
    api: TinyApi,
    expiry: Expiry.dailyAt("00:00"),
    logout: (api: TinyApi["Service"], session: Session.Session, { leaves }: Options) =>
      leaves === true ? api.leave(session) : undefined
  },
  {
    id: "qr",
    credentials,
    api: makeApi,
    account,
    lifetime: "30 seconds",
    begin: ({ api }) => api.draw(),
    poll: ({ name }, { account: { id }, api }) =>
      Effect.map(
        api.poll({ name }),
        ({ holder = id, token }) => token && { tokens: { access: token }, profile: { id: holder } }
      )
  }
)

const connect = (answer: (url: string) => Response) => {
  const seen: Array<Seen> = []
  const layer = TestHttp.layerRespond(async (request) => {
    const { headers, method, url } = request
    seen.push({ method, url, headers: Object.fromEntries(headers), body: await request.text() })
    return answer(url)
  })
  return { seen, layer }
}

const picture = { name: "name-canary", image: "image-canary" }

const world = (options: Options = {}, poll: () => object = () => ({ token: "access-canary" })) =>
  Effect.gen(function* () {
    const { layer: client, seen } = connect((url) => yes(url.endsWith("/qr") ? picture : poll()))
    const layer = method.layer({ site: "a", ...options, credentials: { id: "T1" } })
    const context = yield* Layer.build(Layer.provide(layer, client))
    return { context, seen, qr: Context.get(context, QrLogin.QrLogin) }
  })

const why = ({ reason }: AuthError.AuthError) => ("why" in reason ? reason.why : reason._tag)

describe("a QR login", () => {
  it.effect("sends no poll after it has returned a session", () =>
    Effect.gen(function* () {
      const answers: Array<object> = [{}, { token: "access-canary", holder: " t1 " }]
      const { qr, seen } = yield* world({}, () => answers.shift() ?? {})
      const code = yield* qr.begin
      assert.isTrue(Option.isNone(yield* qr.poll(code)))
      const session = Option.getOrThrow(yield* qr.poll(code))
      assert.deepStrictEqual([session.account.id, session.account.environment, session.method], ["T1", "a", "qr"])
      assert.strictEqual(why(yield* Effect.flip(qr.poll(code))), "used")
      assert.lengthOf(seen, 3)
    })
  )

  it.effect("sends no poll after the QR code has expired", () =>
    Effect.gen(function* () {
      for (const [codeLifetime, end] of [
        [undefined, 30_000],
        ["5 seconds", 5000]
      ] as const) {
        const { qr, seen } = yield* world({ codeLifetime }, () => ({}))
        const code = yield* qr.begin
        yield* TestClock.adjust(end - 1)
        assert.isTrue(Option.isNone(yield* qr.poll(code)))
        yield* TestClock.adjust(1)
        assert.strictEqual(why(yield* Effect.flip(qr.poll(code))), "timed-out")
        assert.lengthOf(seen, 2)
      }
    })
  )

  it.effect("fails if the broker logs in another account", () =>
    Effect.gen(function* () {
      const { qr } = yield* world({}, () => ({ token: "access-canary", holder: "T2" }))
      const code = yield* qr.begin
      const error = yield* Effect.flip(qr.poll(code))
      assert.strictEqual(why(error), "other-account")
      assert.notInclude(shown(error), "access-canary")
      assert.strictEqual(why(yield* Effect.flip(qr.poll(code))), "used")
    })
  )

  it.effect("with an invalid `codeLifetime` fails when the layer is built", () =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(world({ codeLifetime: Number.NaN }))
      assert.strictEqual(reason._tag === "InvalidRequest" && reason.problems[0].field, "codeLifetime")
    })
  )
})

describe("a logout call that depends on options", () => {
  const session = Session.make({
    account: Account.make({ broker: "tiny", id: "T1" }),
    method: "qr",
    tokens: { access: Redacted.make("access-canary") },
    issuedAt: 0,
    expiry: Expiry.dailyAt("00:00")
  })

  it.effect("is sent only if the option `leaves` is true", () =>
    Effect.gen(function* () {
      for (const [leaves, tag, sent] of [
        [true, "Revoked", 1],
        [false, "LocalOnly", 0]
      ] as const) {
        const { context, seen } = yield* world({ leaves })
        const receipt = yield* Effect.provide(Logout.logout(session), context)
        assert.strictEqual(receipt._tag, tag)
        assert.lengthOf(seen, sent)
      }
    })
  )
})

describe("a credential that is an option of the layer", () => {
  const problems = (effect: Effect.Effect<unknown, AuthError.AuthError>) =>
    Effect.map(Effect.flip(effect), ({ reason }) => (reason._tag === "InvalidRequest" ? reason.problems : []))

  const build = (layer: Layer.Layer<QrLogin.QrLogin, AuthError.AuthError>, values: object = {}) =>
    QrLogin.QrLogin.pipe(
      Effect.provide(layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(values)))))
    )

  const client = connect(() => yes()).layer
  const configured = (options?: Options) => Layer.provide(method.layerConfig(options), client)

  it.effect("is checked together with the other credentials", () =>
    Effect.gen(function* () {
      const layer = Layer.provide(method.layer({ credentials: { id: " " } }), client)
      assert.deepStrictEqual(yield* problems(build(layer)), [
        { field: "site", problem: "is neither a nor b" },
        { field: "id", problem: "is empty" }
      ])
    })
  )

  it.effect("is read from the configuration if the option is absent", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problems(build(configured())), [
        { field: "site (TINY_SITE)", problem: "is missing" },
        { field: "id (TINY_ID)", problem: "is missing" }
      ])
      const wrong = { TINY_ID: "T1", TINY_SITE: "c" }
      assert.lengthOf(yield* problems(build(configured(), wrong)), 1)
      yield* build(configured(), { ...wrong, TINY_SITE: "b" })
      yield* build(configured({ site: "a" }), wrong)
    })
  )
})

describe("the step token", () => {
  const step = Redacted.make("step-canary")
  const request = { id: "T1", code: Redacted.make("123456") }

  const api = (options: Options, answer: () => Response = yes) => {
    const { layer, seen } = connect(answer)
    return Effect.map(Effect.provide(makeApi(undefined, options), layer), (calls) => ({ seen, calls }))
  }

  it.effect("is sent in a header of the call", () =>
    Effect.gen(function* () {
      const { calls, seen } = yield* api({ base: "/login/v2" })
      yield* calls.verify(request, step)
      assert.strictEqual(seen[0]?.url, "https://api.tiny.example/login/v2/verify")
      assert.strictEqual(seen[0]?.headers["authorization"], "Step T1 step-canary")
      assert.strictEqual(seen[0]?.body, '{"id":"T1","code":"123456","device":"d","program":"p"}')
    })
  )

  it.effect.each([
    ["undefined", undefined],
    ["plain text", "step-canary"],
    ["a Redacted undefined", Redacted.make(undefined)],
    ["a session", { account: {}, tokens: { access: step } }]
  ] as const)("must be Redacted text, not %s", ([, given]) =>
    Effect.gen(function* () {
      const { calls, seen } = yield* api({})
      const { reason } = yield* Effect.flip(calls.verify(request, given as never))
      assert.deepStrictEqual(reason._tag === "InvalidRequest" && reason.problems, [
        { field: "token", problem: "must be Redacted text" }
      ])
      assert.lengthOf(seen, 0)
    })
  )

  it.effect("is not in errors, and causes ChallengeExpired if the broker rejects it", () =>
    Effect.gen(function* () {
      const quoting = yield* api({}, () => no({ code: "X", message: "no such step-canary" }))
      assert.notInclude(shown(yield* Effect.flip(quoting.calls.verify(request, step))), "step-canary")
      const refusing = yield* api({}, () => no({}, { status: 401 }))
      const { reason } = yield* Effect.flip(refusing.calls.verify(request, step))
      assert.deepStrictEqual(
        [reason._tag, why(yield* Effect.flip(refusing.calls.verify(request, step)))],
        ["ChallengeExpired", "refused"]
      )
    })
  )

  it.effect("must be a valid header value", () =>
    Effect.gen(function* () {
      const { calls, seen } = yield* api({})
      const { reason } = yield* Effect.flip(calls.verify(request, Redacted.make("step\ncanary")))
      assert.strictEqual(reason._tag === "InvalidRequest" && reason.problems[0].field, "tokens.step")
      assert.lengthOf(seen, 0)
    })
  )
})

describe("a service that needs no session", () => {
  class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}

  const layers = Method.withoutSession(
    { broker, api: TinyApi },
    { credentials, api: makeApi, account },
    ({ account: { environment, id } }) => Effect.succeed(Context.make(Greeting, `${id} at ${environment}`))
  )

  it.effect("is provided together with the broker's calls if the credentials are valid", () =>
    Effect.gen(function* () {
      const { layer: client } = connect(() => yes())
      const build = (id: string) => Layer.build(Layer.provide(layers.layer({ site: "b", credentials: { id } }), client))
      const context = yield* build("T1")
      assert.strictEqual(Context.get(context, Greeting), "T1 at b")
      assert.isFunction(Context.get(context, TinyApi).verify)
      assert.strictEqual((yield* Effect.flip(build(" "))).reason._tag, "InvalidRequest")
    })
  )
})

describe("the options of a layer", () => {
  const { layer: client } = connect(() => yes())
  const serverOf = (layer: ReturnType<typeof method.layer>) =>
    Effect.map(Layer.build(Layer.provide(Layer.fresh(layer), client)), (context) => {
      const { account } = Context.get(context, Renewal.Renewal)
      return `${account.id} ${account.environment} ${account.app}`
    })

  it.effect.each([
    ["undefined", undefined],
    ["null", null],
    ["text", "T1"],
    ["an object with the credentials null", { credentials: null }]
  ] as const)("that are %s cause an error about the missing credentials", ([, options]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(serverOf(method.layer(options as never)))
      assert.strictEqual(error.reason._tag, "InvalidRequest")
      assert.include(error.message, "id")
    })
  )

  it.effect("do not change if the credentials object changes later", () =>
    Effect.gen(function* () {
      const own = { id: "" }
      const layers = ["T1", "T2"].map((id) => {
        own.id = id
        return method.layer({ site: "a", credentials: own })
      })
      assert.deepStrictEqual(yield* Effect.forEach(layers, serverOf), ["T1 a default", "T2 a default"])
    })
  )

  it.effect("do not change if a class instance with the credentials changes later", () =>
    Effect.gen(function* () {
      class Own {
        id = "T1"
      }
      const own = new Own()
      const layer = method.layer({ site: "a", credentials: own })
      own.id = "T2"
      assert.strictEqual(yield* serverOf(layer), "T1 a default")
    })
  )

  it.effect("do not change if the options object changes later", () =>
    Effect.gen(function* () {
      const options = { site: "", app: "", credentials: { id: "" } }
      const layers = ["T1", "T2"].map((id, index) => {
        Object.assign(options, { site: index === 0 ? "a" : "b", app: `a${index}`, credentials: { id } })
        return method.layer(options)
      })
      assert.deepStrictEqual(yield* Effect.forEach(layers, serverOf), ["T1 a a0", "T2 b a1"])
    })
  )

  it.effect("do not change if the options object of layerConfig changes later", () =>
    Effect.gen(function* () {
      const options = { site: "a", app: "" }
      const layers = ["a0", "a1"].map((app) => {
        options.app = app
        return method.layerConfig(options)
      })
      const provider = ConfigProvider.fromUnknown({ TINY_ID: "T1", TINY_SITE: "a" })
      const read = Effect.provide(Effect.forEach(layers, serverOf), ConfigProvider.layer(provider))
      assert.deepStrictEqual(yield* read, ["T1 a a0", "T1 a a1"])
    })
  )

  it.effect("do not change if the origins object changes later", () =>
    Effect.gen(function* () {
      const origins: Record<string, string> = { api: "http://127.0.0.1:1" }
      const seenOrigins: Array<unknown> = []
      const layers = Method.withoutSession(
        { broker, api: TinyApi },
        {
          credentials,
          api: (given, options: Options & { readonly origins?: unknown }) => {
            seenOrigins.push(options.origins)
            return makeApi(given, options)
          },
          account
        },
        () => Effect.succeed(Context.empty())
      )
      const layer = layers.layer({ site: "a", origins, credentials: { id: "T1" } })
      origins["api"] = "https://other.example"
      yield* Layer.build(Layer.provide(layer, client))
      assert.deepStrictEqual(seenOrigins, [{ api: "http://127.0.0.1:1" }])
    })
  )

  it.effect("can include a getter of a class", () =>
    Effect.gen(function* () {
      class Mine {
        readonly credentials = { id: "T1" }
        get site() {
          return "a"
        }
      }
      assert.strictEqual(yield* serverOf(method.layer(new Mine())), "T1 a default")
    })
  )
})

it("layer() and layerConfig() do not throw if the options cannot be read", () => {
  const hostile = {
    get credentials(): never {
      throw new Error("canary-secret")
    }
  }
  assert.isTrue(Layer.isLayer(method.layer(hostile)))
  assert.isTrue(Layer.isLayer(method.layer(undefined as never)))
  assert.isTrue(Layer.isLayer(method.layerConfig(hostile as never)))
})
