import { Connection, Connections } from "@auth/broker-core"
import * as AuthError from "@auth/broker-core/login/AuthError"
import { Authorize } from "@auth/broker-core/login/Authorize"
import * as Challenge from "@auth/broker-core/login/Challenge"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Login from "@auth/broker-core/login/Login"
import { Logout } from "@auth/broker-core/login/Logout"
import { Profile } from "@auth/broker-core/login/Profile"
import * as QrLogin from "@auth/broker-core/login/QrLogin"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Session from "@auth/broker-core/login/Session"
import { StepUp } from "@auth/broker-core/login/StepUp"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import { type SessionChange, SessionManager } from "@auth/broker-core/session/SessionManager"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import { TestHttp } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { account, breakable, makeShared, makeTiny, type Shared } from "./sessions.ts"
import { shown } from "./support.ts"

const origin = "https://api.tiny.example"

const authorize: Authorize["Service"] = {
  headers: ({ tokens }) => ({ authorization: Redacted.make(`Bearer ${Redacted.value(tokens.access)}`) }),
  origins: [origin],
  refusal: ({ status }) =>
    status === 401 ? AuthError.make("tiny", "request", new AuthError.SessionExpired({ why: "invalid" })) : undefined
}

const layerOf = (tiny = makeTiny()) =>
  Layer.succeedContext(
    Context.make(Renewal.Renewal, tiny.renewal).pipe(
      Context.add(Logout, tiny.logout),
      Context.add(Authorize, authorize)
    )
  )

const clientOf = (answer: (request: Request) => Response | Promise<Response>) => {
  const sent: Array<string> = []
  const client = TestHttp.layerRespond(async (request) => {
    sent.push(`${request.method} ${request.url} ${request.headers.get("authorization") ?? "without token"}`)
    return answer(request)
  })
  return { client, sent }
}

const vaultOf = ({ lock, store }: Shared) =>
  Layer.succeedContext(Context.make(SessionStore.SessionStore, store).pipe(Context.add(SessionLock.SessionLock, lock)))

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail("the promise did not reject"),
    (error: unknown) => error
  )

const reasonOf = (error: unknown): string =>
  AuthError.isAuthError(error) || VaultError.isVaultError(error) ? error.reason._tag : `not typed: ${String(error)}`

const sessionOf = (token: string) =>
  Session.make({
    account,
    method: "test",
    tokens: { access: Redacted.make(token) },
    issuedAt: Date.now(),
    expiry: Expiry.after("1 hour")
  })

const settle = () => new Promise((resolve) => setTimeout(resolve, 20))

describe("Connection:", () => {
  it("session() returns the same session while the session is valid", async () => {
    const tiny = makeTiny()
    await using connection = await Connection.open(layerOf(tiny))
    assert.deepStrictEqual(tiny.calls, [])
    const session = await connection.session()
    assert.strictEqual(await connection.session(), session)
    assert.strictEqual(Connection.reveal(session.tokens.access), "access-1")
    assert.deepStrictEqual(tiny.calls, ["login 1"])
  })

  it("session() uses the stored session of an earlier connection", async () => {
    const [tiny, vault] = [makeTiny(), vaultOf(makeShared())]
    const first = await Connection.open(layerOf(tiny), { vault })
    await first.session()
    await first.close()
    await using second = await Connection.open(layerOf(tiny), { vault })
    await second.session()
    assert.deepStrictEqual(tiny.calls, ["login 1"])
  })

  it("fetch() sends the token only to the broker's origins", async () => {
    const { client, sent } = clientOf(() => new Response("hello", { status: 201, headers: { "x-a": "b" } }))
    await using connection = await Connection.open(layerOf(), { client })
    const answer = await connection.fetch(`${origin}/funds?a=b`)
    assert.deepStrictEqual([answer.status, await answer.text(), answer.headers.get("x-a")], [201, "hello", "b"])
    assert.strictEqual(answer.url, `${origin}/funds?a=b`)
    await connection.fetch(new URL("https://elsewhere.example/"))
    assert.deepStrictEqual(sent, [
      `GET ${origin}/funds?a=b Bearer access-1`,
      "GET https://elsewhere.example/ without token"
    ])
  })

  it("fetch() renews a rejected token once for two concurrent GET requests", async () => {
    const tiny = makeTiny()
    const { client, sent } = clientOf(
      ({ headers }) => new Response(null, { status: headers.get("authorization") === "Bearer access-1" ? 401 : 200 })
    )
    await using connection = await Connection.open(layerOf(tiny), { client })
    const answers = await Promise.all([connection.fetch(`${origin}/a`), connection.fetch(`${origin}/b`)])
    assert.deepStrictEqual(
      answers.map(({ status }) => status),
      [200, 200]
    )
    assert.lengthOf(sent, 4)
    assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
  })

  for (const init of [
    { method: "POST", body: '{"quantity":1}' },
    { method: "POST", body: new URLSearchParams({ quantity: "1" }) },
    { method: "PUT", body: new Blob(["1"]) },
    { method: "POST", body: new ReadableStream({ start: (stream) => stream.close() }), duplex: "half" },
    { method: "DELETE" }
  ] as ReadonlyArray<RequestInit>) {
    it(`fetch() does not repeat a rejected ${init.method} request (body: ${init.body?.constructor.name ?? "none"})`, async () => {
      const { client, sent } = clientOf(() => new Response(null, { status: 401 }))
      await using connection = await Connection.open(layerOf(), { client })
      const error = await rejection(connection.fetch(`${origin}/order`, init))
      assert.strictEqual(reasonOf(error), "SessionExpired")
      assert.lengthOf(sent, 1)
    })
  }

  it("fetch() sends the method, headers and body of a Request", async () => {
    const bodies: Array<string> = []
    const { client } = clientOf(async (request) => {
      bodies.push(`${request.method} ${request.headers.get("content-type")} ${await request.text()}`)
      return new Response("ok")
    })
    await using connection = await Connection.open(layerOf(), { client })
    const request = new Request(`${origin}/order`, {
      method: "POST",
      body: '{"a":1}',
      headers: { "content-type": "application/json" }
    })
    await connection.fetch(request)
    await connection.fetch(`${origin}/order`, { method: "POST", body: new URLSearchParams({ a: "1 2" }) })
    assert.deepStrictEqual(bodies, [
      'POST application/json {"a":1}',
      "POST application/x-www-form-urlencoded;charset=UTF-8 a=1+2"
    ])
  })

  for (const [what, input, init] of [
    ["a relative address", "/funds?token=canary-secret", undefined],
    ["an address with a password", "https://u:canary-secret@api.tiny.example/", undefined],
    ["a GET with a body", `${origin}/?t=canary-secret`, { body: "canary-secret" }],
    ["an invalid header", origin, { headers: { "x y": "canary-secret" } }],
    ["an invalid method", origin, { method: "CONNECT" }],
    ["a missing address", undefined as never, undefined]
  ] as ReadonlyArray<readonly [string, string, RequestInit | undefined]>) {
    it(`fetch() rejects with InvalidRequest for ${what}`, async () => {
      const tiny = makeTiny()
      const { client, sent } = clientOf(() => new Response("ok"))
      await using connection = await Connection.open(layerOf(tiny), { client })
      const error = await rejection(connection.fetch(input, init))
      assert.strictEqual(reasonOf(error), "InvalidRequest")
      assert.notInclude(shown(error), "canary-secret")
      assert.deepStrictEqual([sent, tiny.calls], [[], []])
    })
  }

  it("fetch() accepts null for its options and its signal", async () => {
    const { client, sent } = clientOf(() => new Response("ok"))
    await using connection = await Connection.open(layerOf(), { client })
    await connection.fetch(origin, null as never)
    await connection.fetch(origin, { signal: null })
    const aborted = new Request(origin, { signal: AbortSignal.abort() })
    await connection.fetch(aborted, { signal: null })
    assert.lengthOf(sent, 3)
  })

  for (const [redirect, ends] of [
    ["error", "BrokerUnavailable"],
    ["manual", "302"],
    ["follow", "200"]
  ] as const) {
    it(`fetch() outside the broker's origins obeys redirect: "${redirect}"`, async () => {
      const server = createServer(({ url }, response) => {
        response.writeHead(url === "/" ? 200 : 302, { location: "/" }).end()
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      try {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/from`
        await using connection = await Connection.open(layerOf())
        const other = redirect === "follow" ? "error" : "follow"
        for (const [input, init] of [
          [url, { redirect }],
          [new Request(url, { redirect }), undefined],
          [new Request(url, { redirect: other }), { redirect }]
        ] as const) {
          const ended = connection.fetch(input, init).then(({ status }) => String(status), reasonOf)
          assert.strictEqual(await ended, ends)
        }
      } finally {
        server.closeAllConnections()
        server.close()
      }
    })
  }

  const breaking = (error: unknown, chunks: ReadonlyArray<unknown> = []) => {
    let next = 0
    return new ReadableStream({
      pull: (stream) => {
        if (next === chunks.length) stream.error(error)
        else stream.enqueue(chunks[next++])
      }
    })
  }
  const streamed = (body: ReadableStream, signal?: AbortSignal) =>
    ({ method: "POST", body, duplex: "half", signal: signal ?? null }) as RequestInit
  const read = async (request: Request) => {
    await request.text()
    return request
  }
  const locked = (request: Request) => {
    request.body!.getReader()
    return request
  }
  const ofStream = (body: ReadableStream) => new Request(origin, streamed(body))
  const ofText = () => new Request(origin, { method: "POST", body: "canary-secret" })

  for (const [what, make] of [
    ["fails at once", () => ofStream(breaking(new TypeError("canary-secret")))],
    ["fails after the first chunk", () => ofStream(breaking(new Error("canary-secret"), [new Uint8Array(9)]))],
    ["fails with undefined as the error", () => ofStream(breaking(undefined))],
    ["is a stream of strings", () => ofStream(breaking(undefined, ["canary-secret"]))],
    ["was already read", () => read(ofText())],
    ["is locked", () => locked(ofText())]
  ] as ReadonlyArray<readonly [string, () => Request | Promise<Request>]>) {
    it(`fetch() rejects with InvalidRequest if the request body ${what}`, async () => {
      const tiny = makeTiny()
      const { client, sent } = clientOf(() => new Response("ok"))
      await using connection = await Connection.open(layerOf(tiny), { client })
      const error = await rejection(connection.fetch(await make()))
      assert.strictEqual(reasonOf(error), "InvalidRequest")
      assert.match(String(error), /request has a body that (cannot be read|was already read).*Nothing was sent/)
      assert.notInclude(shown(error), "canary-secret")
      assert.deepStrictEqual([sent, tiny.calls], [[], []])
    })
  }

  for (const [what, end] of [
    ["the signal is aborted", (controller: AbortController) => controller.abort(new Error("the user left"))],
    ["the connection is closed", (_: AbortController, close: () => Promise<void>) => void close()]
  ] as const) {
    it(`fetch() stops reading the request body when ${what}`, async () => {
      const { client, sent } = clientOf(() => new Response("ok"))
      const { close, fetch } = await Connection.open(layerOf(), { client })
      const controller = new AbortController()
      let isCanceled = false
      const body = new ReadableStream({ cancel: () => void (isCanceled = true) })
      const pending = rejection(fetch(origin, streamed(body, controller.signal)))
      await new Promise((resolve) => setTimeout(resolve, 20))
      end(controller, close)
      assert.match(String(await pending), /the user left|connection is closed/)
      await close()
      assert.isTrue(isCanceled)
      assert.lengthOf(sent, 0)
    })
  }

  it("fetch() sends each type of body with the right content type", async () => {
    const bodies: Array<readonly [string | null, string]> = []
    const { client } = clientOf(async (request) => {
      bodies.push([request.headers.get("content-type"), await request.text()])
      return new Response("ok")
    })
    await using connection = await Connection.open(layerOf(), { client })
    const form = new FormData()
    form.set("side", "BUY")
    form.set("file", new Blob(["a,b"], { type: "text/csv" }), "orders.csv")
    const stream = new Blob(["streamed ", "₹"]).stream()
    const bytes = new TextEncoder().encode("bytes")
    for (const body of [form, new Blob(["blob"], { type: "text/csv" }), stream, bytes, bytes.buffer, "", "text"]) {
      await connection.fetch(origin, { method: "POST", body, duplex: "half" } as RequestInit)
    }
    const [[formType, formBody] = assert.fail("nothing was sent"), ...others] = bodies
    assert.match(formType!, /^multipart\/form-data; boundary=/)
    assert.include(formBody, formType!.split("boundary=")[1]!)
    assert.match(formBody, /name="side"\r\n\r\nBUY\r\n.*filename="orders.csv"\r\nContent-Type: text\/csv\r\n\r\na,b/s)
    assert.deepStrictEqual(others, [
      ["text/csv", "blob"],
      [null, "streamed ₹"],
      [null, "bytes"],
      [null, "bytes"],
      ["text/plain;charset=UTF-8", ""],
      ["text/plain;charset=UTF-8", "text"]
    ])
  })

  it("fetch() rejects with BrokerUnavailable if the host cannot be reached", async () => {
    await using connection = await Connection.open(layerOf())
    const error = await rejection(connection.fetch("http://127.0.0.1:1/funds?token=canary-secret"))
    assert.strictEqual(reasonOf(error), "BrokerUnavailable")
    assert.include(shown(error), "127.0.0.1:1")
    assert.notInclude(shown(error), "canary-secret")
  })

  it("fetch() rejects with the abort reason if the signal is aborted", async () => {
    const { client } = clientOf(() => new Promise<Response>(() => undefined))
    await using connection = await Connection.open(layerOf(), { client })
    const reason = new Error("the user left")
    assert.strictEqual(await rejection(connection.fetch(origin, { signal: AbortSignal.abort(reason) })), reason)
    const controller = new AbortController()
    const pending = rejection(connection.fetch(origin, { signal: controller.signal }))
    setTimeout(() => controller.abort(reason), 50)
    assert.strictEqual(await pending, reason)
  })

  const aborted = (reason: unknown) => ({ signal: AbortSignal.abort(reason) })
  const manager = <A>(use: (manager: SessionManager["Service"]) => Effect.Effect<A, unknown>) =>
    Effect.flatMap(SessionManager, use)
  const abortedCalls: ReadonlyArray<
    readonly [
      what: string,
      (connection: Connection.Calls<Authorize | Logout | Renewal.Renewal>, reason: unknown) => Promise<unknown>
    ]
  > = [
    ["fetch(url)", ({ fetch }, reason) => fetch(origin, aborted(reason))],
    ["fetch(request)", ({ fetch }, reason) => fetch(new Request(origin, aborted(reason)))],
    ["fetch() with a body", ({ fetch }, reason) => fetch(origin, { method: "POST", body: "a", ...aborted(reason) })],
    [
      "run(session)",
      ({ run }, reason) =>
        run(
          manager(({ session }) => session),
          aborted(reason)
        )
    ],
    [
      "run(renew())",
      ({ run }, reason) =>
        run(
          manager(({ renew }) => renew()),
          aborted(reason)
        )
    ],
    [
      "run(logout)",
      ({ run }, reason) =>
        run(
          manager(({ logout }) => logout),
          aborted(reason)
        )
    ],
    ["run(Effect.succeed(1))", ({ run }, reason) => run(Effect.succeed(1), aborted(reason))]
  ]
  for (const [what, call] of abortedCalls) {
    it(`${what} rejects and sends nothing if the signal is aborted`, async () => {
      const tiny = makeTiny()
      const { client, sent } = clientOf(() => new Response("{}"))
      await using connection = await Connection.open(layerOf(tiny), { client })
      const reason = new Error("the user left")
      assert.strictEqual(await rejection(call(connection, reason)), reason)
      await settle()
      assert.deepStrictEqual([tiny.calls, sent], [[], []])
      const session = await connection.session()
      assert.strictEqual(await rejection(call(connection, reason)), reason)
      await settle()
      assert.strictEqual(await connection.session(), session)
      assert.deepStrictEqual([tiny.calls, sent], [["login 1"], []])
    })
  }

  it("fetch() makes the answer's body fail if the signal is aborted", async () => {
    const { client } = clientOf(
      () => new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(700_000)) }))
    )
    await using connection = await Connection.open(layerOf(), { client })
    const controller = new AbortController()
    const answer = await connection.fetch(origin, { signal: controller.signal })
    const reader = answer.body!.getReader()
    await reader.read()
    const reason = new Error("enough")
    controller.abort(reason)
    const error = await rejection(
      (async () => {
        while (!(await reader.read()).done);
      })()
    )
    assert.strictEqual(error, reason)
  })

  for (const type of ["text/csv", "application/json"]) {
    for (const reads of [0, 1]) {
      it(`fetch() stops the download when the answer's body is canceled (${type}, reads before: ${reads})`, async () => {
        let isCanceled = false
        const body = () =>
          new ReadableStream({
            pull: (stream) => stream.enqueue(new Uint8Array(700_000)),
            cancel: () => void (isCanceled = true)
          })
        const { client } = clientOf(() => new Response(body(), { headers: { "content-type": type } }))
        await using connection = await Connection.open(layerOf(), { client })
        const reader = (await connection.fetch(origin)).body!.getReader()
        for (let read = 0; read < reads; read += 1) await reader.read()
        await reader.cancel()
        assert.isTrue(isCanceled)
      })
    }
  }
})

describe("Connection: call(), profile() and run():", () => {
  const profiled = (tiny = makeTiny()) =>
    Layer.merge(
      layerOf(tiny),
      Layer.succeed(Profile, { profile: (session) => Effect.succeed({ id: session.account.id }) })
    )

  it("all three use the services of the layer", async () => {
    await using connection = await Connection.open(profiled())
    assert.strictEqual((await connection.profile()).id, "T1")
    const called = await connection.call(Profile, ({ profile }, session) =>
      Effect.map(profile(session), ({ id }) => [id, Connection.reveal(session.tokens.access)])
    )
    assert.deepStrictEqual(called, ["T1", "access-1"])
    const ran = await connection.run(
      Effect.gen(function* () {
        const [manager, { profile }] = [yield* SessionManager, yield* Profile]
        return yield* profile(yield* manager.session)
      })
    )
    assert.strictEqual(ran.id, "T1")
  })

  it("call() renews a rejected token, but does not repeat its callback", async () => {
    const tiny = makeTiny()
    await using connection = await Connection.open(profiled(tiny))
    let runs = 0
    const refused = AuthError.make("tiny", "order", new AuthError.SessionExpired({ why: "invalid" }))
    const error = await rejection(
      connection.call(Profile, () => {
        runs += 1
        return Effect.fail(refused)
      })
    )
    assert.strictEqual(reasonOf(error), "SessionExpired")
    assert.deepStrictEqual([runs, tiny.calls], [1, ["login 1", "login 2"]])
  })

  it("call() rejects with the error of the callback's effect", async () => {
    await using connection = await Connection.open(profiled())
    const error = AuthError.make("tiny", "order", new AuthError.RateLimited({ by: "broker", retryAfter: undefined }))
    assert.strictEqual(await rejection(connection.call(Profile, () => Effect.fail(error))), error)
  })
})

describe("Connection: open() and close():", () => {
  it("open() reports credential and vault problems in one error", async () => {
    const credentials = AuthError.invalidRequest("tiny", "configuration", "pin", "is missing")
    const key = VaultError.make("key", new VaultError.KeyUnavailable({ why: "TINY_KEY is not set" }))
    const layer = Layer.effectContext(Effect.fail(credentials)) as ReturnType<typeof layerOf>
    const vault = Layer.effectContext(Effect.fail(key))
    const error = await rejection(Connection.open(layer, { vault }))
    assert.strictEqual((error as Error).message, `${credentials.message}\n${key.message}`)
    assert.deepInclude(error, { reason: credentials.reason, isRetryable: false })
    assert.strictEqual(await rejection(Connection.open(layer)), credentials)
    assert.strictEqual(await rejection(Connection.open(layerOf(), { vault })), key)
  })

  it("open() closes the vault if the layer fails", async () => {
    let isClosed = false
    const vault = Layer.merge(
      vaultOf(makeShared()),
      Layer.effectDiscard(Effect.addFinalizer(() => Effect.sync(() => void (isClosed = true))))
    )
    const invalid = AuthError.invalidRequest("tiny", "configuration", "pin", "is missing")
    const layer = Layer.merge(layerOf(), Layer.effectDiscard(Effect.andThen(Effect.sleep(20), Effect.fail(invalid))))
    assert.strictEqual(await rejection(Connection.open(layer, { vault })), invalid)
    assert.isTrue(isClosed)
  })

  it("open() rejects with InvalidRequest if an option is invalid", async () => {
    assert.strictEqual(reasonOf(await rejection(Connection.open(layerOf(), { early: -1 }))), "InvalidRequest")
    assert.strictEqual(reasonOf(await rejection(Connection.open(layerOf(), { codes: () => "1" }))), "InvalidRequest")
  })

  it("every async function rejects after close()", async () => {
    const [tiny, shared] = [makeTiny(), makeShared()]
    const { client, sent } = clientOf(() => new Response("ok"))
    const services = Layer.mergeAll(
      layerOf(tiny),
      Layer.succeed(Profile, { profile: () => Effect.succeed({ id: "T1" }) }),
      Layer.succeed(RedirectLogin.RedirectLogin, redirectOf([])),
      Layer.succeed(QrLogin.QrLogin, { begin: Effect.die("begin"), poll: () => Effect.die("poll") })
    )
    const connection = await Connection.open(services, { client, vault: vaultOf(shared) })
    const begun = await connection.beginLogin()
    await connection.close()
    await connection.close()
    const calls: ReadonlyArray<() => Promise<unknown>> = [
      () => connection.session(),
      () => connection.fetch(origin),
      () => connection.call(Profile, () => Effect.void),
      () => connection.profile(),
      () => connection.renew(),
      () => connection.logout(),
      () => connection.resetLoginGuard(),
      () => connection.beginLogin(),
      () => connection.resumeLogin("text"),
      () => begun.complete("https://app.example/?code=1"),
      () => begun.seal(),
      () => connection.loginByQr({ show: () => undefined }),
      () => connection.run(Effect.void)
    ]
    for (const call of calls) {
      const error = await rejection(call())
      assert.strictEqual(reasonOf(error), "InvalidRequest")
      assert.include(String(error), "connection is closed")
    }
    for await (const _ of connection.changes) assert.fail("a change after close")
    assert.deepStrictEqual([sent, tiny.calls], [[], []])
  })

  it("close() makes pending calls reject", async () => {
    const { client } = clientOf(() => new Promise<Response>(() => undefined))
    const slow = makeTiny()
    slow.latency = "10 seconds"
    const connection = await Connection.open(layerOf(slow), { client })
    const pending = [connection.session(), connection.fetch(origin), connection.run(Effect.never)].map(rejection)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await connection.close()
    for (const error of await Promise.all(pending)) assert.include(String(error), "connection is closed")
  })
})

describe("Connection: changes and events:", () => {
  it("`changes` yields each change until the connection closes", async () => {
    const connection = await Connection.open(layerOf())
    const seen: Array<string> = []
    const reading = (async () => {
      for await (const { _tag } of connection.changes) seen.push(_tag)
    })()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await connection.session()
    await connection.renew()
    await connection.logout()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await connection.close()
    await reading
    assert.deepStrictEqual(seen, ["LoggedIn", "LoggedIn", "LoggedOut"])
  })

  it("a loop over `changes` can be left with `return`", async () => {
    await using connection = await Connection.open(layerOf())
    const first = (async (): Promise<SessionChange["_tag"] | undefined> => {
      for await (const { _tag } of connection.changes) return _tag
      return undefined
    })()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await connection.session()
    assert.strictEqual(await first, "LoggedIn")
  })

  it("on() calls each listener until the listener is removed", async () => {
    const tiny = makeTiny()
    await using connection = await Connection.open(layerOf(tiny))
    const seen: Array<string> = []
    connection.on("renewed", () => {
      throw new Error("This listener fails, and its error is logged.")
    })
    connection.on("renewed", async () => {
      throw new Error("This async listener fails, and its error is logged.")
    })
    connection.on("renewed", () => new Promise(() => undefined))
    const remove = connection.on("renewed", ({ tokens }) => seen.push(Connection.reveal(tokens.access)))
    connection.on("logged-out", ({ id }) => seen.push(`${id} logged out`))
    connection.on("failed", (error) => seen.push(`failed: ${error.reason._tag}`))
    connection.on("needs-person", (error) => seen.push(`needs a person: ${error.reason._tag}`))
    await connection.session()
    tiny.failures.push(new AuthError.BrokerUnavailable({ why: "network", systemCode: "ECONNREFUSED" }))
    await rejection(connection.renew())
    tiny.failures.push(new AuthError.InvalidCredentials({ field: "pin" }))
    await rejection(connection.renew())
    await settle()
    remove()
    await connection.renew()
    await connection.logout()
    await settle()
    assert.deepStrictEqual(seen, [
      "access-1",
      "failed: BrokerUnavailable",
      "failed: InvalidCredentials",
      "needs a person: InvalidCredentials",
      "T1 logged out"
    ])
  })
})

describe("Connection: a running logout", () => {
  const slowLogout = () => {
    const tiny = makeTiny()
    const logout: Logout["Service"] = {
      logout: (session) => Effect.delay(tiny.logout.logout(session), "50 millis")
    }
    return { ...tiny, logout }
  }

  it("is completed if a `logged-out` listener closes the connection", async () => {
    const tiny = slowLogout()
    const connection = await Connection.open(layerOf(tiny))
    await connection.session()
    let closed: Promise<void> | undefined
    connection.on("logged-out", () => (closed = connection.close()))
    assert.strictEqual((await connection.logout())._tag, "Revoked")
    await closed
    assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
  })

  it("is completed if close() is called", async () => {
    const tiny = slowLogout()
    const connection = await Connection.open(layerOf(tiny))
    await connection.session()
    const loggingOut = connection.logout()
    const closing = connection.close()
    assert.strictEqual(reasonOf(await rejection(connection.session())), "InvalidRequest")
    assert.strictEqual(reasonOf(await rejection(connection.logout())), "InvalidRequest")
    assert.deepStrictEqual(tiny.calls, ["login 1"])
    await closing
    assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
    assert.strictEqual((await loggingOut)._tag, "Revoked")
  })

  it("is completed if close() of Connections is called", async () => {
    const tiny = slowLogout()
    const connections = await Connections.open({ accounts: { mine: layerOf(tiny) } })
    const mine = await connections.account("mine")
    await mine.session()
    const loggingOut = mine.logout()
    await connections.close()
    assert.strictEqual((await loggingOut)._tag, "Revoked")
    assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
  })
})

/** A browser login without a broker: the code in the callback is the token. */
const redirectOf = (
  completed: Array<string>,
  answer: Effect.Effect<void> = Effect.void
): RedirectLogin.RedirectLogin["Service"] =>
  RedirectLogin.make("tiny", {
    begin: Effect.map(RedirectLogin.makeState, (state) => ({
      url: Redacted.make("https://login.tiny.example/"),
      state,
      redirectUrl: "https://app.example/callback"
    })),
    receive: (request, callbackUrl) =>
      Effect.flatMap(
        RedirectLogin.parseCallback({ broker: "tiny", request, callbackUrl, state: "required" }),
        (parameters) => Effect.map(RedirectLogin.requireParameter("tiny", parameters, "code"), (code) => ({ code }))
      ),
    exchange: ({ code }) => {
      completed.push(Redacted.value(code))
      return Effect.map(answer, () => sessionOf(Redacted.value(code)))
    }
  })

describe("Connection: a browser login", () => {
  const browser = (completed: Array<string> = [], tiny = makeTiny({ by: [] }), answer?: Effect.Effect<void>) =>
    Layer.merge(layerOf(tiny), Layer.succeed(RedirectLogin.RedirectLogin, redirectOf(completed, answer)))

  const callbackOf = ({ redirectUrl, state }: Connection.PendingLogin, code: string) =>
    `${redirectUrl}?state=${Connection.reveal(state)}&code=${code}`

  it("stores its session when completed", async () => {
    const vault = vaultOf(makeShared())
    await using connection = await Connection.open(browser(), { vault })
    assert.strictEqual(reasonOf(await rejection(connection.session())), "ActionRequired")
    const login = await connection.beginLogin()
    assert.strictEqual(Connection.reveal(login.url), "https://login.tiny.example/")
    await login.complete(new URL(callbackOf(login, "c1")))
    await using other = await Connection.open(browser(), { vault })
    for (const each of [other, connection]) {
      assert.strictEqual(Connection.reveal((await each.session()).tokens.access), "c1")
    }
  })

  it("can be completed by another connection with the same key", async () => {
    const bytes = Redacted.make(new Uint8Array(32).fill(7))
    const key = Layer.effect(VaultKey.VaultKey, VaultKey.fromBytes(bytes, "the key of this test"))
    const first = await Connection.open(browser(), { key })
    const begun = await first.beginLogin()
    const sealed = await begun.seal()
    await first.close()
    await using second = await Connection.open(browser(), { key })
    const login = await second.resumeLogin(sealed)
    const session = await login.complete(callbackOf(begun, "c2"))
    assert.strictEqual(Connection.reveal(session.tokens.access), "c2")
    await using other = await Connection.open(browser())
    for (const text of [sealed, undefined, "", `${sealed}x`]) {
      assert.strictEqual(reasonOf(await rejection(other.resumeLogin(text))), "RedirectRejected")
    }
  })

  it("stores its session if complete() is repeated after a store failure", async () => {
    const shared = makeShared()
    const { service, state } = breakable(shared.store)
    const completed: Array<string> = []
    await using connection = await Connection.open(browser(completed), {
      vault: vaultOf({ ...shared, store: service })
    })
    const login = await connection.beginLogin()
    state.broken = true
    assert.strictEqual(reasonOf(await rejection(login.complete(callbackOf(login, "c3")))), "Io")
    state.broken = false
    await login.complete(callbackOf(login, "c3"))
    await using other = await Connection.open(browser(), { vault: vaultOf(shared) })
    assert.strictEqual(Connection.reveal((await other.session()).tokens.access), "c3")
    assert.deepStrictEqual(completed, ["c3"])
  })

  it("stores its session if session() is called after a store failure", async () => {
    const shared = makeShared()
    const { service, state } = breakable(shared.store)
    await using connection = await Connection.open(browser(), { vault: vaultOf({ ...shared, store: service }) })
    const login = await connection.beginLogin()
    state.broken = true
    assert.strictEqual(reasonOf(await rejection(login.complete(callbackOf(login, "c3")))), "Io")
    state.broken = false
    assert.strictEqual(Connection.reveal((await connection.session()).tokens.access), "c3")
    await using other = await Connection.open(browser(), { vault: vaultOf(shared) })
    assert.strictEqual(Connection.reveal((await other.session()).tokens.access), "c3")
  })

  it("creates a session that logout() ends even if it was not stored", async () => {
    const shared = makeShared()
    const { service, state } = breakable(shared.store)
    const tiny = makeTiny({ by: [] })
    await using connection = await Connection.open(browser([], tiny), { vault: vaultOf({ ...shared, store: service }) })
    const login = await connection.beginLogin()
    state.broken = true
    assert.strictEqual(reasonOf(await rejection(login.complete(callbackOf(login, "c3")))), "Io")
    state.broken = false
    await connection.logout()
    assert.deepStrictEqual(tiny.calls, ["logout c3"])
    assert.strictEqual(reasonOf(await rejection(login.complete(callbackOf(login, "c3")))), "SessionExpired")
    assert.strictEqual(reasonOf(await rejection(connection.session())), "SessionExpired")
  })

  it("cannot be completed again after a logout", async () => {
    const completed: Array<string> = []
    await using connection = await Connection.open(browser(completed))
    const login = await connection.beginLogin()
    await login.complete(callbackOf(login, "c4"))
    await connection.logout()
    for (const code of ["c4", "c5"]) {
      assert.strictEqual(reasonOf(await rejection(login.complete(callbackOf(login, code)))), "InvalidStepUpCode")
    }
    assert.strictEqual(reasonOf(await rejection(connection.session())), "SessionExpired")
    assert.deepStrictEqual(completed, ["c4"])
  })

  it("ends its session at the broker if logout() is called during complete()", async () => {
    const answer = Deferred.makeUnsafe<void>()
    const [completed, tiny] = [new Array<string>(), makeTiny({ by: [] })]
    await using connection = await Connection.open(browser(completed, tiny, Deferred.await(answer)))
    const login = await connection.beginLogin()
    const completing = rejection(login.complete(callbackOf(login, "c8")))
    await settle()
    assert.deepStrictEqual(completed, ["c8"])
    await connection.logout()
    Effect.runSync(Deferred.succeed(answer, undefined))
    assert.strictEqual(reasonOf(await completing), "SessionExpired")
    assert.strictEqual(reasonOf(await rejection(connection.session())), "SessionExpired")
    assert.deepStrictEqual(tiny.calls, ["logout c8"])
    const next = await connection.beginLogin()
    await next.complete(callbackOf(next, "c9"))
    assert.strictEqual(Connection.reveal((await connection.session()).tokens.access), "c9")
  })

  it("cannot be completed again after a newer login is completed", async () => {
    await using connection = await Connection.open(browser())
    const [older, newer] = [await connection.beginLogin(), await connection.beginLogin()]
    await older.complete(callbackOf(older, "c6"))
    await newer.complete(callbackOf(newer, "c7"))
    assert.strictEqual(reasonOf(await rejection(older.complete(callbackOf(older, "c6")))), "InvalidStepUpCode")
    assert.strictEqual(Connection.reveal((await connection.session()).tokens.access), "c7")
  })

  it("rejects invalid callbacks and the callback of another login", async () => {
    await using connection = await Connection.open(browser())
    const [one, other] = [await connection.beginLogin(), await connection.beginLogin()]
    for (const callback of [callbackOf(other, "c"), "", "https://app.example/callback?code=c", "nonsense"]) {
      const reason = reasonOf(await rejection(one.complete(callback)))
      assert.include(["RedirectRejected", "InvalidRequest"], reason)
    }
    assert.strictEqual(reasonOf(await rejection(connection.session())), "ActionRequired")
  })
})

describe("Connection: loginByQr()", () => {
  const qrOf = (
    answers: ReadonlyArray<Effect.Effect<Option.Option<Session.Session>, AuthError.AuthError>>,
    tiny = makeTiny({ by: [] })
  ) => {
    let [begun, polls] = [0, 0]
    const service: QrLogin.QrLogin["Service"] = {
      begin: Effect.sync(() => ({
        name: Redacted.make(`qr-${++begun}`),
        image: Redacted.make("iVBOR"),
        expiresAt: Date.now() + 60_000
      })),
      poll: () => Effect.suspend(() => answers[polls++] ?? Effect.succeed(Option.none()))
    }
    return Layer.merge(layerOf(tiny), Layer.succeed(QrLogin.QrLogin, service))
  }
  const fail = (reason: AuthError.Reason) => Effect.fail(AuthError.make("tiny", "poll", reason))

  it("shows a new QR code after the first has expired", async () => {
    const layer = qrOf([
      Effect.succeed(Option.none()),
      fail(new AuthError.ChallengeExpired({ why: "timed-out" })),
      fail(new AuthError.BrokerUnavailable({ why: "network" })),
      Effect.sync(() => Option.some(sessionOf("scanned")))
    ])
    await using connection = await Connection.open(layer)
    const shownNames: Array<string> = []
    await connection.loginByQr({ show: ({ name }) => void shownNames.push(Connection.reveal(name)) })
    assert.strictEqual(Connection.reveal((await connection.session()).tokens.access), "scanned")
    assert.deepStrictEqual(shownNames, ["qr-1", "qr-2"])
  })

  it("ends the new session if the QR code is scanned after logout()", async () => {
    const tiny = makeTiny({ by: [] })
    const answer = Deferred.makeUnsafe<void>()
    const scanned = Effect.map(Deferred.await(answer), () => Option.some(sessionOf("scanned")))
    await using connection = await Connection.open(qrOf([scanned], tiny))
    const shownCodes: Array<QrLogin.QrCode> = []
    const login = rejection(connection.loginByQr({ show: (code) => void shownCodes.push(code) }))
    while (shownCodes.length === 0) await settle()
    await connection.logout()
    Effect.runSync(Deferred.succeed(answer, undefined))
    assert.strictEqual(reasonOf(await login), "SessionExpired")
    assert.strictEqual(reasonOf(await rejection(connection.session())), "SessionExpired")
    assert.deepStrictEqual(tiny.calls, ["logout scanned"])
  })

  it("rejects if the signal is aborted or `show` fails", async () => {
    await using connection = await Connection.open(qrOf([]))
    const reason = new Error("the user left")
    const controller = new AbortController()
    const pending = rejection(connection.loginByQr({ show: () => controller.abort(reason), signal: controller.signal }))
    assert.strictEqual(await pending, reason)
    const failed = await rejection(connection.loginByQr({ show: () => Promise.reject(new Error("canary-secret")) }))
    assert.strictEqual(reasonOf(failed), "InvalidRequest")
    assert.notInclude(shown(failed), "canary-secret")
  })

  it("polls the QR code before `show` resolves", async () => {
    const layer = qrOf([Effect.sync(() => Option.some(sessionOf("scanned")))])
    await using connection = await Connection.open(layer)
    const session = await connection.loginByQr({ show: () => new Promise(() => undefined) })
    assert.strictEqual(Connection.reveal(session.tokens.access), "scanned")
  })

  it("shows no QR code if the signal is already aborted", async () => {
    await using connection = await Connection.open(qrOf([]))
    const reason = new Error("the user left")
    const shownCodes: Array<QrLogin.QrCode> = []
    const signal = AbortSignal.abort(reason)
    const login = connection.loginByQr({ show: (code) => void shownCodes.push(code), signal })
    assert.strictEqual(await rejection(login), reason)
    await settle()
    assert.deepStrictEqual(shownCodes, [])
  })
})

describe("Connection: the function `codes`", () => {
  const wrong = new AuthError.InvalidStepUpCode({ kind: "otp", by: "broker", hints: [] })

  /** The broker accepts only the code 123456. `secret` is the TOTP code that the layer provides, not a TOTP secret. */
  const twoSteps = (
    verified: Array<string>,
    { kinds = ["otp"], secret }: { kinds?: Challenge.Challenge["kinds"]; secret?: string } = {}
  ) => {
    const codes = secret === undefined ? undefined : CodeSource.fixed(Redacted.make(secret))
    const ledger = Effect.runSync(Challenge.makeLedger(account))
    const open = (step: string) => ({
      kinds,
      destinations: ["xxxxxx1234"],
      resendAt: 0,
      resendsLeft: step === "first" ? 1 : 0,
      expiresAt: Date.now() + 60_000,
      digits: 6,
      attemptsLeft: 3,
      stepToken: Redacted.make(step)
    })
    const login = Effect.map(
      Effect.suspend(() => ledger.open(open("first"))),
      Login.stepUpRequired
    )
    const stepUp: StepUp["Service"] = {
      verify: (challenge, code) => {
        const send = Effect.suspend(() => {
          verified.push(`${Redacted.value(challenge.stepToken)} ${Redacted.value(code)}`)
          return Redacted.value(code) === "123456"
            ? Effect.succeed(sessionOf("verified"))
            : Effect.fail(AuthError.make("tiny", "verify", wrong))
        })
        return ledger.answer(challenge, code, { digits: 6, send })
      },
      resend: (challenge) =>
        ledger.resend(
          challenge,
          Effect.sync(() => open("second"))
        )
    }
    return Layer.mergeAll(
      layerOf(makeTiny({ by: [], codes })),
      Layer.succeed(Login.Login, { login }),
      Layer.succeed(StepUp, stepUp)
    )
  }

  it("is called with the destinations and the remaining attempts", async () => {
    const verified: Array<string> = []
    const questions: Array<Connection.CodeQuestion> = []
    await using connection = await Connection.open(twoSteps(verified), {
      codes: async (question) => {
        questions.push(question)
        return " 123456\n"
      }
    })
    assert.strictEqual(Connection.reveal((await connection.session()).tokens.access), "verified")
    const [{ attemptsLeft, destinations, digits, kinds, refused } = assert.fail("no question")] = questions
    assert.deepStrictEqual(
      [attemptsLeft, destinations, digits, kinds, refused],
      [3, ["xxxxxx1234"], 6, ["otp"], undefined]
    )
    assert.deepStrictEqual(verified, ["first 123456"])
  })

  it("is not called again after the broker has refused two codes", async () => {
    const verified: Array<string> = []
    const refusals: Array<string> = []
    const answers = ["12345", "000000", "111111", "123456"]
    await using connection = await Connection.open(twoSteps(verified), {
      codes: ({ refused }) => {
        refusals.push(refused === undefined ? "first" : refused.reason._tag)
        return answers.shift() ?? ""
      }
    })
    assert.strictEqual(reasonOf(await rejection(connection.session())), "InvalidStepUpCode")
    assert.deepStrictEqual(refusals, ["first", "InvalidRequest", "InvalidStepUpCode"])
    assert.deepStrictEqual(verified, ["first 000000", "first 111111"])
  })

  it("is called only for codes that the layer cannot provide", async () => {
    const [verified, asked]: [Array<string>, Array<string>] = [[], []]
    const codes = ({ kinds: [kind] }: Connection.CodeQuestion) => {
      asked.push(kind ?? "none")
      return "123456"
    }
    for (const kinds of [["totp", "otp"], ["otp"]] as const) {
      await using connection = await Connection.open(twoSteps(verified, { kinds, secret: "123456" }), { codes })
      await connection.session()
    }
    await using without = await Connection.open(twoSteps(verified, { kinds: ["totp"] }), { codes })
    await without.session()
    assert.deepStrictEqual(asked, ["otp", "totp"])
    assert.lengthOf(verified, 3)
  })

  it("is not called if the broker refuses the layer's code", async () => {
    const verified: Array<string> = []
    const layer = twoSteps(verified, { kinds: ["totp"], secret: "000000" })
    await using connection = await Connection.open(layer, { codes: () => assert.fail("`codes` was called") })
    assert.strictEqual(reasonOf(await rejection(connection.session())), "InvalidStepUpCode")
    assert.deepStrictEqual(verified, ["first 000000"])
  })

  it("receives a question whose fields resend() updates", async () => {
    const seen: Array<number | undefined> = []
    await using connection = await Connection.open(twoSteps([]), {
      codes: async (question) => {
        seen.push(question.resendAt)
        await question.resend()
        seen.push(question.resendAt)
        return "123456"
      }
    })
    await connection.session()
    assert.deepStrictEqual(seen, [0, undefined])
  })

  it("can return the code of a new challenge after resend()", async () => {
    const verified: Array<string> = []
    await using connection = await Connection.open(twoSteps(verified), {
      codes: async ({ resend }) => {
        await resend()
        return "123456"
      }
    })
    await connection.session()
    assert.deepStrictEqual(verified, ["second 123456"])
  })

  it("makes session() reject with ActionRequired if its promise rejects", async () => {
    await using connection = await Connection.open(twoSteps([]), {
      codes: () => Promise.reject(new TypeError("canary-secret"))
    })
    const error = await rejection(connection.session())
    assert.strictEqual(reasonOf(error), "ActionRequired")
    assert.include(String(error), "TypeError")
    assert.notInclude(shown(error), "canary-secret")
  })

  it("is called with a signal that is aborted when the connection closes", async () => {
    const aborted: Array<boolean> = []
    const connection = await Connection.open(twoSteps([]), {
      codes: ({ signal }) =>
        new Promise<string>(() => signal.addEventListener("abort", () => void aborted.push(signal.aborted)))
    })
    const pending = rejection(connection.session())
    await new Promise((resolve) => setTimeout(resolve, 50))
    await connection.close()
    assert.include(String(await pending), "connection is closed")
    assert.deepStrictEqual(aborted, [true])
  })
})
