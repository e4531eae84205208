import { assert, describe, layer } from "@effect/vitest"
import axe from "axe-core"
import * as Effect from "effect/Effect"
import type { BrowserContext, Page } from "playwright-core"
import { serve as serveSessions, ask } from "../../packages/cli/test/serveSupport.ts"
import { run } from "../../packages/cli/test/support.ts"
import { ways } from "../../packages/cli/test/ways.ts"
import { attacker, Browser, withWindow } from "../../packages/simulator/test/chromium/attacker.ts"
import { runsChromium } from "./browser.ts"
import { addMember, cardOf, desk, logInAll, open, until } from "./morning.ts"

const wayOf = (broker: string, method: string) => {
  const found = ways.find((way) => way.broker === broker && way.method === method)
  if (found === undefined) throw new Error(`There is no login method ${broker} ${method}.`)
  return found
}

const samco = wayOf("samco", "api-key")
const angel = wayOf("angel", "totp")

interface Seen {
  readonly console: Array<string>
  readonly urls: Array<string>
}

const visit = async (window: BrowserContext, link: string): Promise<Page & { readonly seen: Seen }> => {
  const page = await window.newPage()
  const seen: Seen = { console: [], urls: [] }
  page.on("console", (message) => seen.console.push(message.text()))
  page.on("pageerror", (error) => seen.console.push(String(error)))
  page.on("request", (request) => seen.urls.push(`${request.url()} ${JSON.stringify(request.headers()["referer"])}`))
  await page.addInitScript(keepEvents)
  await page.goto(link)
  return Object.assign(page, { seen })
}

/** Copies all data that the page receives from `/events` to `window.kept`. */
const keepEvents = () => {
  const send = window.fetch
  const kept: Array<string> = []
  Object.assign(window, { kept })
  window.fetch = async (...args) => {
    const response = await send(...args)
    if (args[0] !== "/events" || response.body === null) return response
    const [own, copy] = response.body.tee()
    const reader = copy.pipeThrough(new TextDecoderStream()).getReader()
    const next = (): Promise<void> =>
      reader.read().then(({ value }) => (value === undefined ? undefined : (kept.push(value), next())))
    void next().catch(() => undefined)
    return new Response(own, response)
  }
}

const summary = (page: Page) => page.locator("#summary").textContent()

const live = (page: Page, text: string) => until(text, async () => (await summary(page)) === text)

const clickOn = (page: Page, name: string, button: string) =>
  cardOf(page, name).getByRole("button", { name: button }).click()

const violations = async (page: Page): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  await page.evaluate(axe.source)
  for (const width of [360, 1280]) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: 900 })
      await page.emulateMedia({ colorScheme })
      const results = await page.evaluate(() => (window as unknown as { readonly axe: typeof axe }).axe.run())
      for (const { id, nodes } of results.violations) {
        found.push(`${width} ${colorScheme} ${id}: ${nodes.map(({ html }) => html).join(" | ")}`)
      }
      const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)
      if (isTooWide) found.push(`${width} ${colorScheme} is wider than the window`)
    }
  }
  return found
}

const secretFields = [
  "pin",
  "password",
  "totpSecret",
  "apiKey",
  "apiSecret",
  "publisherKey",
  "secondFactor",
  "accessToken",
  "appCode",
  "vendor",
  "deviceId"
]

/** A PIN inside a longer number is not a match. */
const contains = (text: string, secret: string): boolean =>
  /^\d+$/.test(secret) ? new RegExp(`(?<!\\d)${secret}(?!\\d)`).test(text) : text.includes(secret)

/** The content of every place where the page could leave a secret. */
const traces = async (window: BrowserContext, page: Page & { readonly seen: Seen }): Promise<string> => {
  const session = await window.newCDPSession(page)
  // The page must remove the secret of its link from the history.
  const { entries } = await session.send("Page.getNavigationHistory")
  const stored = await page.evaluate(async () => [
    JSON.stringify(localStorage),
    JSON.stringify(sessionStorage),
    document.cookie,
    JSON.stringify(await indexedDB.databases()),
    JSON.stringify(await caches.keys().catch(() => [])),
    JSON.stringify(globalThis.history.state),
    location.href,
    JSON.stringify((window as unknown as { readonly kept: ReadonlyArray<string> }).kept)
  ])
  const inputs = await page.locator("input").evaluateAll((all) => all.map((input) => (input as HTMLInputElement).value))
  return [
    await page.content(),
    ...entries.map(({ title, url }) => `${title} ${url}`),
    JSON.stringify(await window.cookies()),
    ...stored,
    ...inputs,
    ...page.seen.console,
    ...page.seen.urls
  ].join("\n")
}

describe.runIf(runsChromium)("the page of `broker-auth open` in Chromium", () => {
  layer(Browser.layer, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect(
      "logs in with each login method, and leaks no secret",
      () =>
        Effect.gen(function* () {
          const { members, simulator, user } = yield* desk()
          assert.strictEqual(members.length, 16)
          const opened = yield* open(user)
          const left = yield* withWindow(async (window) => {
            const page = await visit(window, opened.link)
            await logInAll(simulator, window, page, members)
            assert.deepStrictEqual(await violations(page), [])
            return await traces(window, page)
          })
          const tokens = yield* Effect.forEach(members, ({ name }) => run(user, ["token", name]), { concurrency: 2 })
          for (const { code, stderr } of tokens) assert.strictEqual(code, 0, stderr)
          const codes = yield* Effect.forEach(members, ({ account, way }) =>
            simulator
              .codes(way.broker, account["userId"] ?? account["clientCode"] ?? "")
              .pipe(Effect.orElseSucceed((): ReadonlyArray<string> => []))
          )
          const secrets = [
            ...tokens.map(({ stdout }) => stdout.trim()),
            ...codes.flat(),
            ...members.flatMap(({ account }) => secretFields.flatMap((field) => account[field] ?? [])),
            new URL(opened.link).hash.slice(1)
          ].filter((secret) => secret !== "")
          assert.isAbove(secrets.length, 90)
          assert.include(left, "samco-api-key", "the search must cover the page")
          assert.include(left, '\\"isHeldBack\\"', "the search must cover the events")
          for (const secret of secrets) {
            assert.isFalse(contains(left, secret), `the page has the secret ${secret}`)
            assert.isFalse(contains(opened.printed(), secret), `the command has printed the secret ${secret}`)
          }
        }),
      { timeout: 240_000, tags: ["thorough"] }
    )

    it.effect(
      "shows the remedy of a failed login, and counts login failures",
      () =>
        Effect.gen(function* () {
          const { members, simulator, user } = yield* desk([angel, samco])
          for (const member of members) {
            if (member.way === angel) yield* addMember(user, member, { ANGEL_PIN: "9999" })
          }
          const opened = yield* open(user)
          yield* withWindow(async (window) => {
            const page = await visit(window, opened.link)
            const card = cardOf(page, "angel-totp")
            await clickOn(page, "angel-totp", "Log in")
            await card.locator(".failure").waitFor()
            assert.match((await card.locator(".message").textContent()) ?? "", /PIN|credentials|refused|not accept/i)
            assert.match((await card.locator(".remedy").textContent()) ?? "", /Check|correct/i)
            assert.match((await page.locator("#news").textContent()) ?? "", /angel-totp: /)
            assert.match((await card.locator(".guard").textContent()) ?? "", /1 of 2 allowed login failures/)
            assert.deepStrictEqual(await violations(page), [])
          })
          const sent = (yield* simulator.journal("angel")).length
          yield* withWindow(async (window) => {
            const again = await visit(window, opened.link)
            await again.locator("#closed").waitFor()
            assert.match((await again.locator("#closed").textContent()) ?? "", /not valid.*press Enter/s)
            assert.deepStrictEqual(await violations(again), [])
          })
          assert.strictEqual((yield* simulator.journal("angel")).length, sent)
        }),
      { timeout: 120_000, tags: ["thorough"] }
    )

    it.effect(
      "shows accessible login steps, usable by keyboard, with a Cancel button",
      () =>
        Effect.gen(function* () {
          const chosen = [wayOf("rmoney", "password"), wayOf("rmoney", "qr"), wayOf("angel", "publisher"), samco]
          const { members, user } = yield* desk(chosen)
          const { link } = yield* open(user)
          yield* withWindow(async (window) => {
            const page = await visit(window, link)
            for (const { name, way } of members.filter((member) => member.way !== samco)) {
              const card = cardOf(page, name)
              await card.getByRole("button", { name: "Log in", exact: false }).first().focus()
              await page.keyboard.press("Enter")
              await card.getByRole("button", { name: "Cancel" }).waitFor()
              if (way.method !== "qr") await page.locator("input:focus").waitFor()
              const isInCard = await card.evaluate((element) => element.contains(document.activeElement))
              assert.isTrue(isInCard, `the focus left the card of ${name}`)
            }
            assert.deepStrictEqual(await violations(page), [])
            for (const { name, way } of members.filter((member) => member.way !== samco)) {
              await clickOn(page, name, "Cancel")
              await cardOf(page, name).locator(".step").waitFor({ state: "hidden" })
              await cardOf(page, name).locator("h2:focus").waitFor({ timeout: 5_000 })
              assert.strictEqual(await cardOf(page, name).locator(".failure").isVisible(), false, way.method)
            }
          })
        }),
      { timeout: 120_000, tags: ["thorough"] }
    )

    it.effect(
      "shows that the broker has locked the account, and how to unlock it",
      () =>
        Effect.gen(function* () {
          const { members, simulator, user } = yield* desk([angel])
          yield* simulator.seed({
            brokers: { angel: { accounts: members.map(({ account }) => ({ ...account, state: "blocked" })) } }
          })
          const { link } = yield* open(user)
          yield* withWindow(async (window) => {
            const page = await visit(window, link)
            await clickOn(page, "angel-totp", "Log in")
            const failure = cardOf(page, "angel-totp").locator(".failure")
            await failure.waitFor()
            assert.match((await failure.locator(".message").textContent()) ?? "", /lock|block/i)
            assert.match((await failure.locator(".remedy").textContent()) ?? "", /support to unlock the account/)
          })
        }),
      { timeout: 90_000, tags: ["thorough"] }
    )

    it.effect(
      "needs a new link after a reload, and shows changes by another page",
      () =>
        Effect.gen(function* () {
          const { simulator, user } = yield* desk([samco])
          const [one, other] = [yield* open(user), yield* open(user)]
          yield* withWindow(async (window) => {
            const [first, second] = [await visit(window, one.link), await visit(window, other.link)]
            await Promise.all([live(first, "0 of 1 accounts are live."), live(second, "0 of 1 accounts are live.")])
            assert.strictEqual(first.url(), `${new URL(one.link).origin}/`)
            await clickOn(first, "samco-api-key", "Log in")
            await Promise.all([live(first, "1 of 1 accounts are live."), live(second, "1 of 1 accounts are live.")])
            await clickOn(second, "samco-api-key", "Log out")
            await Promise.all([live(first, "0 of 1 accounts are live."), live(second, "0 of 1 accounts are live.")])

            // The first page does not share its bearer token with a new tab.
            const tab = await window.newPage()
            await tab.goto(first.url())
            assert.match((await tab.locator("#closed").textContent()) ?? "", /needs a new link/)
            await first.reload()
            assert.match((await first.locator("#closed").textContent()) ?? "", /needs a new link.*press Enter/s)
            await first.goBack().catch(() => undefined)
            await first.goto(one.link)
            await until("the used link", async () =>
              /not valid/.test((await first.locator("#closed").textContent()) ?? "")
            )
          })
          const logins = (yield* simulator.journal("samco")).filter(({ endpoint }) => endpoint === samco.login)
          assert.strictEqual(logins.length, 1)
        }),
      { timeout: 120_000, tags: ["thorough"] }
    )

    it.effect(
      "reports the end of a killed command, and works with a new command",
      () =>
        Effect.gen(function* () {
          const { simulator, user } = yield* desk([samco])
          const first = yield* open(user)
          yield* withWindow(async (window) => {
            const page = await visit(window, first.link)
            await clickOn(page, "samco-api-key", "Log in")
            await live(page, "1 of 1 accounts are live.")
            await Effect.runPromise(simulator.inject("samco", samco.login, { kind: "latency", duration: "2 seconds" }))
            await clickOn(page, "samco-api-key", "Renew")
            await until("the renewal", async () => {
              const sent = await Effect.runPromise(simulator.journal("samco"))
              return sent.filter(({ endpoint }) => endpoint === samco.login).length >= 2
            })
            first.child.kill("SIGKILL")
            await page.locator("#closed").waitFor()
            assert.match(
              (await page.locator("#closed").textContent()) ?? "",
              /The command has ended.*broker-auth open/s
            )
          })
          const second = yield* open(user)
          yield* withWindow(async (window) => {
            const page = await visit(window, second.link)
            await page.getByRole("button", { name: "Log in all" }).waitFor()
            if ((await summary(page)) !== "1 of 1 accounts are live.") {
              await clickOn(page, "samco-api-key", "Log in")
            }
            await live(page, "1 of 1 accounts are live.")
          })
        }),
      { timeout: 120_000, tags: ["thorough"] }
    )

    it.effect(
      "removes the card of an account removed during a login",
      () =>
        Effect.gen(function* () {
          const { user } = yield* desk([wayOf("rmoney", "password"), samco])
          const { link, printed } = yield* open(user)
          yield* withWindow(async (window) => {
            const page = await visit(window, link)
            await clickOn(page, "rmoney-password", "Log in")
            await cardOf(page, "rmoney-password").locator("input").waitFor()
            const removed = await Effect.runPromise(run(user, ["remove", "rmoney-password"]))
            assert.strictEqual(removed.code, 0, removed.stderr)
            await live(page, "0 of 1 accounts are live.")
            assert.match((await page.locator("#news").textContent()) ?? "", /rmoney-password was removed/)
            assert.strictEqual(await cardOf(page, "rmoney-password").count(), 0)
            await clickOn(page, "samco-api-key", "Log in")
            await live(page, "1 of 1 accounts are live.")
          })
          assert.notMatch(printed(), /fault/)
        }),
      { timeout: 120_000, tags: ["thorough"] }
    )

    it.effect(
      "gives no data to a hostile page; `broker-auth serve` gives none either",
      () =>
        Effect.gen(function* () {
          const { simulator, user } = yield* desk([samco])
          assert.strictEqual((yield* run(user, ["login", "samco-api-key"])).code, 0)
          const token = (yield* run(user, ["token", "samco-api-key"])).stdout.trim()
          const bearer = (yield* run(user, ["serve", "--for", "bot"])).stdout.trim()
          const sessions = yield* serveSessions(user, ["--port", "0"])
          const opened = yield* open(user)
          const evil = yield* attacker
          const before = (yield* simulator.journal()).length
          const page = new URL(opened.link).origin
          const stolen = yield* withWindow(async (window) => {
            const own = await visit(window, opened.link)
            await live(own, "1 of 1 accounts are live.")
            const hostile = await window.newPage()
            const got: Array<string> = []
            const collect = async (origin: string) => {
              await hostile.goto(origin)
              got.push(...(await hostile.evaluate(attack, { page, sessions: sessions.where })))
            }
            await collect(`http://127.0.0.1:${evil}/`)
            await collect(`http://evil.example:${evil}/`)
            // DNS rebinding: a hostile name leads to the servers of `open` and `serve`.
            for (const origin of [page, sessions.where]) {
              const rebound = origin.replace("127.0.0.1", "evil.example")
              const answer = await hostile.goto(rebound)
              assert.isAbove(answer?.status() ?? 0, 400, rebound)
              got.push((await answer?.text()) ?? "")
            }
            assert.match(await traces(window, own), /Live until/, "the page must still work")
            return got.join("\n")
          })
          for (const secret of [token, bearer, "samco-api-key", "DV9999"]) assert.notInclude(stolen, secret)
          assert.strictEqual((yield* simulator.journal()).length, before, "something was sent to the broker")
          assert.strictEqual((yield* run(user, ["token", "samco-api-key"])).stdout.trim(), token)
          const refused = yield* Effect.promise(() =>
            ask(page)("/accounts/samco-api-key/logout", { method: "POST", headers: { origin: page }, body: "{}" })
          )
          assert.strictEqual(refused.status, 403)
        }),
      { timeout: 120_000, tags: ["thorough"] }
    )
  })
})

/** Runs in the hostile page. */
const attack = async ({ page, sessions }: { readonly page: string; readonly sessions: string }) => {
  const got: Array<string> = []
  const targets = [
    `${page}/`,
    `${page}/events`,
    `${page}/link`,
    `${page}/login-all`,
    `${page}/accounts/samco-api-key/logout`,
    `${page}/accounts/samco-api-key/renew`,
    `${sessions}/v1/accounts`,
    `${sessions}/v1/accounts/samco-api-key/session`,
    `${sessions}/v1/accounts/samco-api-key/renew`,
    `${sessions}/v1/events`
  ]
  const wait = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))
  for (const target of targets) {
    for (const mode of ["cors", "no-cors"] as const) {
      for (const [method, type] of [["GET"], ["POST", "text/plain"], ["POST", "application/json"]] as const) {
        try {
          const response = await fetch(target, {
            method,
            mode,
            credentials: "include",
            ...(method === "POST" && { body: '{"text":"x","token":"x"}', headers: { "content-type": type ?? "" } })
          })
          got.push(await response.text())
        } catch {
          // The browser has blocked the request or the answer.
        }
      }
    }
    const frame = document.createElement("iframe")
    frame.name = `frame${got.length}`
    document.body.append(frame)
    const form = document.createElement("form")
    Object.assign(form, { method: "POST", action: target, target: frame.name, enctype: "text/plain" })
    form.innerHTML = "<input name='{\"text\":\"' value='\"}'>"
    document.body.append(form)
    form.submit()
    const second = document.createElement("iframe")
    second.src = target
    document.body.append(second)
    await wait(100)
    for (const { contentDocument } of [frame, second]) got.push(contentDocument?.documentElement.textContent ?? "")
    const script = document.createElement("script")
    script.src = target
    document.body.append(script)
  }
  const opened = window.open(`${page}/`)
  await wait(500)
  try {
    got.push(opened?.document.documentElement.textContent ?? "")
  } catch {
    // The browser forbids reading a page of another origin.
  }
  return got
}
