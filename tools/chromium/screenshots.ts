/**
 * Writes pictures of the listener's pages and of the simulator's login pages to `docs/screenshots`. Run it after a
 * change of a page: `node --conditions=@auth/source tools/chromium/screenshots.ts`
 */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Page } from "playwright-core"
import { root } from "../packages/workspace.ts"
import { startChromium } from "./browser.ts"
import { type Act, fill, login, type LoginMethod, methods, prepare } from "./logins.ts"

const folder = path.join(root, "docs/screenshots")
const maxBytes = 40_000

const shoot = async (page: Page, name: string): Promise<void> => {
  const picture = await page.screenshot({ fullPage: true, animations: "disabled" })
  if (picture.byteLength > maxBytes) throw new Error(`${name} has ${picture.byteLength} bytes`)
  fs.writeFileSync(path.join(folder, `${name}.png`), picture)
  console.log(`${name}.png: ${picture.byteLength} bytes`)
}

/** Each size and color scheme, with the suffix of its pictures. */
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

/** Runs a login to its end. `act` gets the page, the start address and the fields of the form. */
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
  // Opens a callback that belongs to another login, and then opens the start address a second time.
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
          yield* login({ ...prepared }, page, async (own, startUrl) => {
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

await chromium.close()
