import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Page } from "playwright-core"
import { Browser, withWindow } from "../../packages/simulator/test/chromium/attacker.ts"
import { registry } from "../../packages/simulator/src/internal/registry.ts"
import { runsChromium } from "./browser.ts"
import { type Act, fill, login, type LoginMethod, methods, prepare, type Prepared } from "./logins.ts"

const options = { tags: ["thorough"], timeout: 60_000 }

const isPasted = ({ callback }: LoginMethod): boolean => callback === "pasted"

/** If the user must paste the callback, no server listens at the redirect URL, so the request fails. */
const click = (method: LoginMethod, button: string) => async (page: Page) => {
  const next = isPasted(method)
    ? page.waitForEvent("requestfailed", (request) => request.url().startsWith("https://app.example.com/"))
    : page.waitForURL(/\/done\//)
  await Promise.all([next, page.locator(button).first().click()])
}

const logIn =
  (method: LoginMethod, { fields }: Prepared): Act =>
  async (page, startUrl) => {
    await page.goto(startUrl)
    await fill(page, fields)
    await click(method, "button[type=submit]")(page)
  }

const decline =
  (method: LoginMethod): Act =>
  async (page, startUrl) => {
    await page.goto(startUrl)
    await click(method, `[name=${method.decline}]`)(page)
  }

const historyOf = async (page: Page): Promise<ReadonlyArray<string>> => {
  const session = await page.context().newCDPSession(page)
  const { entries } = await session.send("Page.getNavigationHistory")
  return entries.map(({ url }) => url)
}

const noted = (page: Page) => {
  const complaints: Array<string> = []
  page.on("console", (message) => {
    const { url } = message.location()
    if (!url.endsWith("/favicon.ico") && /\/(?:callback|start|done)\b/.test(url)) complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(String(error)))
  return complaints
}

describe.runIf(runsChromium)("a login in Chromium", () => {
  layer(Browser.layer, { timeout: "40 seconds", excludeTestServices: true })((it) => {
    for (const method of methods) {
      it.effect(
        `returns a session: ${method.title}`,
        () =>
          Effect.gen(function* () {
            const prepared = yield* prepare(method)
            yield* withWindow(async (window) => {
              const page = await window.newPage()
              const complaints = noted(page)
              const { exit } = await Effect.runPromise(login(prepared, page, logIn(method, prepared)))
              if (Exit.isFailure(exit)) assert.fail(String(exit.cause))
              assert.strictEqual(exit.value.account.broker, method.broker.id)
              assert.strictEqual(exit.value.method, method.method)
              if (isPasted(method)) return
              const { hash, pathname, search } = new URL(page.url())
              assert.match(pathname, /^\/done\/[0-9a-f]{32}$/)
              assert.strictEqual(search + hash, "")
              assert.strictEqual(await page.locator("h1").textContent(), "Login complete")
              const past = await historyOf(page)
              assert.isFalse(past.some((url) => url.startsWith(prepared.redirectUrl)))
              assert.deepStrictEqual(complaints, [])
            })
          }),
        options
      )

      if (method.decline === undefined) continue
      it.effect(
        `fails with RedirectRejected if the user declines: ${method.title}`,
        () =>
          Effect.gen(function* () {
            const prepared = yield* prepare(method)
            yield* withWindow(async (window) => {
              const page = await window.newPage()
              const { exit } = await Effect.runPromise(login(prepared, page, decline(method)))
              const error = Option.getOrThrow(Exit.findErrorOption(exit))
              assert.deepInclude(error.reason, { _tag: "RedirectRejected", why: "denied" })
              assert.strictEqual(await page.locator("h1").textContent(), "Login declined")
              assert.strictEqual(new URL(page.url()).search, "")
            })
          }),
        options
      )
    }

    it.effect(
      "accepts a pasted address with the parameters after a #",
      () =>
        Effect.gen(function* () {
          const method = methods.find(({ method: id }) => id === "sso")
          if (method === undefined) throw new Error("no method")
          const prepared = yield* prepare(method, { callback: "hash" })
          yield* withWindow(async (window) => {
            const page = await window.newPage()
            const { exit, texts } = await Effect.runPromise(
              login(prepared, page, async (own, startUrl, paste) => {
                await own.goto(startUrl)
                await fill(own, prepared.fields)
                await Promise.all([own.waitForURL(/#/), own.locator("button[type=submit]").first().click()])
                assert.include((await own.locator("main").textContent()) ?? "", "copy the whole address and paste it")
                paste(own.url())
              })
            )
            if (Exit.isFailure(exit)) assert.fail(String(exit.cause))
            assert.include(texts.join("\n"), "The browser shows a page from this program. Copy the whole address")
          })
        }),
      options
    )

    it.effect(
      "shows a readable page, 320 pixels wide, in light and dark mode if the user declines",
      () =>
        Effect.gen(function* () {
          const method = methods.find(({ decline: button }) => button === "deny")
          if (method === undefined) throw new Error("no method")
          for (const colorScheme of ["light", "dark"] as const) {
            const prepared = yield* prepare(method)
            yield* withWindow(async (window) => {
              const page = await window.newPage()
              await page.setViewportSize({ width: 320, height: 480 })
              await page.emulateMedia({ colorScheme })
              await Effect.runPromise(login(prepared, page, decline(method)))
              const found = await page.evaluate(() => {
                const { backgroundColor, color } = getComputedStyle(document.body)
                const { clientWidth, scrollWidth } = document.documentElement
                const size = Number.parseFloat(getComputedStyle(document.querySelector("p") ?? document.body).fontSize)
                return { backgroundColor, color, fits: scrollWidth <= clientWidth, size }
              })
              assert.isTrue(found.fits)
              assert.isAtLeast(found.size, 16)
              const [ink, paper] = [found.color, found.backgroundColor].map((text) => Number(/\d+/.exec(text)?.[0]))
              assert.strictEqual((ink ?? 0) > (paper ?? 0), colorScheme === "dark", JSON.stringify(found))
            })
          }
        }),
      options
    )
  })
})

it("`methods` contains exactly the login methods with RedirectLogin", () => {
  const known = Array.from(new Map(methods.map(({ broker }) => [broker.id, broker])).values())
  assert.sameMembers(
    known.map(({ id }) => id),
    Object.entries(registry)
      .filter(([, { descriptor }]) => descriptor.loginPages !== undefined)
      .map(([id]) => id)
  )
  const described = known.flatMap(({ id, methods: all }) =>
    all.flatMap((one) => (one.capabilities.includes("RedirectLogin") ? [`${id} ${one.id}`] : []))
  )
  assert.sameMembers(Array.from(new Set(methods.map(({ broker, method }) => `${broker.id} ${method}`))), described)
})
