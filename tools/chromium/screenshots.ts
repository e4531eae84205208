/**
 * Writes screenshots of the pages of `RedirectListener`, the simulator and `broker-auth open`. Run this program after a
 * change to these pages: `node --conditions=@auth/source tools/chromium/screenshots.ts`
 */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Page } from "playwright-core"
import { ways } from "../../packages/cli/test/ways.ts"
import { root } from "../packages/workspace.ts"
import { startChromium } from "./browser.ts"
import { addMember, cardOf, desk, open } from "./morning.ts"
import { type Act, fill, login, type LoginMethod, methods, prepare } from "./logins.ts"

const folder = path.join(root, "docs/screenshots")
const maxBytes = 40_000

const shoot = async (page: Page, name: string, most = maxBytes): Promise<void> => {
  const picture = await page.screenshot({ fullPage: true, animations: "disabled" })
  if (picture.byteLength > most)
    throw new Error(`${name}.png has ${picture.byteLength} bytes, but the limit is ${most}`)
  fs.writeFileSync(path.join(folder, `${name}.png`), picture)
  console.log(`${name}.png: ${picture.byteLength} bytes`)
}

const views = [
  ["320-light", 320, "light"],
  ["320-dark", 320, "dark"],
  ["800-light", 800, "light"]
] as const

const shootAll = async (page: Page, name: string): Promise<void> => {
  for (const [suffix, width, colorScheme] of views) {
    await page.setViewportSize({ width, height: 400 })
    await page.emulateMedia({ colorScheme })
    await shoot(page, `${name}-${suffix}`)
  }
}

const slug = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z]+/g, "-")
    .replace(/^-|-$/g, "")

const press = async (page: Page, button: string): Promise<void> => {
  await Promise.all([page.waitForURL(/\/done\//), page.locator(button).first().click()])
}

const named = (id: string): LoginMethod => {
  const found = methods.find(({ broker, method }) => `${broker.id} ${method}` === id)
  if (found === undefined) throw new Error(`There is no method "${id}".`)
  return found
}

fs.mkdirSync(folder, { recursive: true })
const chromium = await startChromium()

const run = (method: LoginMethod, act: (page: Page, startUrl: string, fields: URLSearchParams) => Promise<void>) =>
  chromium.withWindow((window) =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const prepared = yield* prepare(method)
          const page = yield* Effect.promise(() => window.newPage())
          const acting: Act = (own, startUrl) => act(own, startUrl, prepared.fields)
          yield* login(prepared, page, acting)
        })
      )
    )
  )

await run(named("samco oauth"), async (page, startUrl, fields) => {
  await page.goto(startUrl)
  await fill(page, fields)
  await press(page, "button[type=submit]")
  await shootAll(page, "listener-complete")
})

await run(named("samco oauth"), async (page, startUrl) => {
  await page.goto(startUrl)
  const listener = new URL(startUrl).origin
  await page.goto(`${listener}/callback?code=1&state=2`)
  await shootAll(page, "listener-other-login")
  await page.goto(startUrl)
  await shootAll(page, "listener-used-link")
  await page.goBack()
  await page.goBack()
  await press(page, "[name=deny]")
  await shootAll(page, "listener-declined")
})

for (const method of methods) {
  if (methods.findIndex(({ page }) => page === method.page) !== methods.indexOf(method)) continue
  await chromium.withWindow((window) =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const prepared = yield* prepare(method)
          const page = yield* Effect.promise(() => window.newPage())
          yield* login(prepared, page, async (own, startUrl) => {
            await own.goto(startUrl)
            await own.setViewportSize({ width: 480, height: 400 })
            await shoot(own, `page-${slug(method.page)}`)
            await fill(own, prepared.fields)
            await own.locator("button[type=submit]").first().click()
          })
        })
      )
    )
  )
}

const morningViews = [
  ["360-dark", 360, "dark"],
  ["1280-light", 1280, "light"]
] as const

const morning = ["samco api-key", "angel totp", "rmoney password", "rmoney qr", "zerodha browser", "angel publisher"]

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const { members, user } = yield* desk(
        ways.filter(({ broker, method }) => morning.includes(`${broker} ${method}`))
      )
      for (const member of members) {
        if (member.name === "angel-totp") yield* addMember(user, member, { ANGEL_PIN: "9999" })
      }
      const { link } = yield* open(user)
      yield* Effect.promise(() =>
        chromium.withWindow(async (window) => {
          const page = await window.newPage()
          await page.goto(link)
          const logIn = (name: string) => cardOf(page, name).locator(".login").click()
          for (const { name } of members) await logIn(name)
          await cardOf(page, "samco-api-key").locator(".logout").waitFor()
          await cardOf(page, "angel-totp").locator(".failure").waitFor()
          await cardOf(page, "zerodha-browser").locator("a").waitFor()
          for (const name of ["rmoney-password", "angel-publisher"]) await cardOf(page, name).locator("input").waitFor()
          await cardOf(page, "rmoney-qr").locator("svg").waitFor()
          // The path of the vault differs on each machine.
          await page.locator("dd.stored").evaluateAll((all) => {
            for (const element of all) element.textContent = "~/.local/state/broker-auth/sessions.db, SQLite; encrypted"
          })
          for (const [suffix, width, colorScheme] of morningViews) {
            await page.setViewportSize({ width, height: 800 })
            await page.emulateMedia({ colorScheme })
            await shoot(page, `open-${suffix}`, 300_000)
          }
          await page.reload()
          await page.locator("#closed").waitFor()
          await page.setViewportSize({ width: 360, height: 400 })
          await page.emulateMedia({ colorScheme: "light" })
          await shoot(page, "open-reloaded-360-light")
        })
      )
    })
  )
)

await chromium.close()
