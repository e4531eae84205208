import { assert, describe, layer } from "@effect/vitest"
import { QrLogin } from "@auth/broker-core"
import { TestHttp } from "@auth/broker-core/testing"
import { broker as Rmoney } from "@auth/rmoney/RmoneyBroker"
import * as RmoneyQr from "@auth/rmoney/RmoneyQr"
import { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Page } from "playwright-core"
import { runsChromium } from "../../../tools/chromium/browser.ts"
import { attacker, Browser, withWindow } from "./chromium/attacker.ts"
import { accountOf, addressOf, codeFor, formOf, pages } from "./chromium/pages.ts"
import { registry } from "../src/internal/registry.ts"
import { servedOf, site } from "./support.ts"

const options = { tags: ["thorough"], timeout: 60_000 }

/** If a page does not escape this text, the scripts in the text run. */
const planted = `x"'></p></form><script>globalThis.ran = true</script><img src="/x" onerror="globalThis.ran = true">`

/** Account fields whose values appear in login pages or in their addresses. */
const plantedFields = ["name", "appName", "publisherKey", "applicationId", "appCode", "vendor"]

const seedWith = ({ brokers }: Simulator.Info, fields: Readonly<Record<string, string>>) => ({
  brokers: Object.fromEntries(
    Object.entries(brokers).map(([broker, { accounts }]) => [
      broker,
      {
        accounts: accounts.map((account, index) => ({
          ...account,
          ...Object.fromEntries(
            Object.entries(fields)
              .filter(([name]) => name in account)
              // Two accounts must not have the same value in a field that identifies an app.
              .map(([name, value]) => [name, index === 0 ? value : `${value}${index}`])
          )
        }))
      }
    ])
  )
})

/** The redirect URL of each account is a page that this test serves. */
const prepare = (fields: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const port = yield* attacker
    const simulator = yield* Simulator.make()
    const redirectUrl = `http://127.0.0.1:${port}/callback`
    yield* simulator.seed(seedWith(simulator, { ...fields, redirectUrl }))
    return { simulator, site: `http://127.0.0.1:${port}` }
  })

const fill = async (page: Page, form: URLSearchParams): Promise<void> => {
  for (const [name, value] of form) {
    const field = page.locator(`[name="${name}"]`)
    await ((await field.getAttribute("type")) === "checkbox" ? field.check() : field.fill(value))
  }
}

const submit = async (page: Page, button = "button[type=submit]"): Promise<URL> => {
  await Promise.all([page.waitForNavigation(), page.locator(button).first().click()])
  return new URL(page.url())
}

const hasPlanted = async (page: Page) => ({
  ran: await page.evaluate("globalThis.ran === true"),
  elements: await page.locator("script, img, [onerror]").count()
})

const harmless = { ran: false, elements: 0 }

const withPage = <A>(use: (page: Page) => Promise<A>) => withWindow(async (window) => use(await window.newPage()))

describe.runIf(runsChromium)("Chromium on the simulator's pages", () => {
  layer(Browser.layer, { timeout: "40 seconds", excludeTestServices: true })((it) => {
    for (const login of pages) {
      it.effect(
        `reaches the redirect URL after a login on ${login.title}`,
        () =>
          Effect.gen(function* () {
            const { simulator, site } = yield* prepare()
            const form = formOf(simulator, login, yield* codeFor(simulator, login))
            yield* withPage(async (page) => {
              await page.goto(
                `${site}/redirect?${new URLSearchParams({ to: addressOf(simulator, login), status: "302" })}`
              )
              await fill(page, form)
              const { href, searchParams } = await submit(page)
              assert.isTrue(href.startsWith(`${accountOf(simulator, login)["redirectUrl"]}?`), href)
              assert.isNotEmpty(searchParams.get(login.brings))
            })
          }),
        options
      )

      it.effect(
        `runs no script planted in ${login.title}`,
        () =>
          Effect.gen(function* () {
            const { simulator } = yield* prepare(Object.fromEntries(plantedFields.map((name) => [name, planted])))
            const more = { state: planted, cb_param: planted, redirect_params: planted, [planted]: planted }
            const address = addressOf(simulator, login, more)
            const wrong = new URLSearchParams(Array.from(formOf(simulator, login, ""), ([name]) => [name, planted]))
            const unknown = new URL(address)
            for (const name of unknown.searchParams.keys()) unknown.searchParams.set(name, planted)
            yield* withPage(async (page) => {
              await page.goto(address)
              assert.strictEqual(await page.locator("form").count(), 1)
              assert.deepStrictEqual(await hasPlanted(page), harmless)
              await fill(page, wrong)
              await submit(page)
              assert.isNotEmpty(await page.locator("[role=alert]").textContent())
              assert.deepStrictEqual(await hasPlanted(page), harmless)
              await page.goto(unknown.href)
              assert.deepStrictEqual(await hasPlanted(page), harmless)
            })
          }),
        options
      )
    }

    it("visits a login page of every broker that has one", () => {
      const withPages = Object.entries(registry).filter(([, { descriptor }]) => descriptor.loginPages !== undefined)
      const brokers = new Set(pages.map(({ broker }) => broker))
      assert.sameMembers(
        Array.from(brokers),
        withPages.map(([broker]) => broker)
      )
    })

    it.effect(
      "runs no script planted in an unknown path",
      () =>
        Effect.gen(function* () {
          const { simulator } = yield* prepare()
          const path = encodeURIComponent(planted)
          yield* withPage(async (page) => {
            for (const origin of [simulator.control, ...Object.values(simulator.origins)]) {
              await page.goto(`${origin}/${path}?${path}=${path}`)
              assert.deepStrictEqual(await hasPlanted(page), harmless, origin)
            }
          })
        }),
      options
    )

    it.effect(
      "runs no script planted in an injected answer",
      () =>
        Effect.gen(function* () {
          const simulator = yield* Simulator.make()
          const headers = { "content-type": "text/html", "content-security-policy": "script-src *" }
          const body = `<!doctype html><p>${planted}</p>`
          yield* simulator.inject("angel", "*", { kind: "answer", status: 200, body, headers }, 2)
          yield* withPage(async (page) => {
            await page.goto(`${simulator.origins[site]}/`)
            assert.deepStrictEqual(await hasPlanted(page), { ran: false, elements: 2 })
            // Without the simulator's security policy, the script runs.
            const session = await page.context().newCDPSession(page)
            await session.send("Page.setBypassCSP", { enabled: true })
            await page.goto(`${simulator.origins[site]}/`)
            assert.deepStrictEqual(await hasPlanted(page), { ran: true, elements: 2 })
          })
        }),
      options
    )

    it.effect(
      "reaches the redirect URL after a click on deny or cancel",
      () =>
        Effect.gen(function* () {
          const { simulator, site } = yield* prepare()
          for (const [broker, button] of [
            ["samco", "deny"],
            ["zerodha", "cancel"]
          ]) {
            const login = pages.find((candidate) => candidate.broker === broker)
            if (login === undefined) throw new Error(`no page of ${broker}`)
            yield* withPage(async (page) => {
              await page.goto(addressOf(simulator, login))
              assert.isTrue((await submit(page, `[name=${button}]`)).href.startsWith(`${site}/callback?`))
            })
          }
        }),
      options
    )

    it.effect(
      "requests an https redirect URL on another host after a login",
      () =>
        Effect.gen(function* () {
          const simulator = yield* Simulator.make()
          const port = yield* attacker
          const [login] = pages
          if (login === undefined) throw new Error("no page")
          const form = formOf(simulator, login, yield* codeFor(simulator, login))
          const to = new URLSearchParams({ to: addressOf(simulator, login), status: "303" })
          yield* withPage(async (page) => {
            await page.goto(`http://app.example:${port}/`)
            await page.setContent(
              `<form method="post" action="/redirect?${to}"><button type="submit">Log in</button></form>`
            )
            await submit(page)
            await fill(page, form)
            const [callback] = await Promise.all([
              page.waitForRequest((request) => request.url().startsWith("https:")),
              page.locator("button[type=submit]").click()
            ])
            assert.isTrue(callback.url().startsWith(`${accountOf(simulator, login)["redirectUrl"]}?auth_token=`))
          })
        }),
      options
    )

    it.effect(
      "runs no script planted in the address of RMoney's QR page",
      () =>
        Effect.gen(function* () {
          const simulator = yield* Simulator.make()
          const { password = "", userId = "" } = simulator.brokers["rmoney"]?.accounts[0] ?? {}
          const served = { environment: "uat", origins: servedOf(simulator, Rmoney, "uat") } as const
          const qr = yield* QrLogin.QrLogin.pipe(
            Effect.provide(
              RmoneyQr.layer({ ...served, credentials: { userId } }).pipe(Layer.provide(TestHttp.layerLateFetch))
            )
          )
          const name = Redacted.value((yield* qr.begin).name)
          const address = `${simulator.origins["https://webuat.rmoneyindia.co.in"]}/qr-scan`
          yield* withPage(async (page) => {
            await page.goto(`${address}?${new URLSearchParams({ qrName: planted })}`)
            assert.deepStrictEqual(await hasPlanted(page), harmless)
            await page.goto(`${address}?${new URLSearchParams({ qrName: name, [planted]: planted })}`)
            assert.deepStrictEqual(await hasPlanted(page), harmless)
            await fill(page, new URLSearchParams({ userid: userId, password }))
            await submit(page)
            assert.strictEqual(await page.locator("body").textContent(), "Approved")
          })
        }),
      options
    )
  })
})
