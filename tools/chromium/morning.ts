/** Helpers for tests of the page of `broker-auth open`. */
import { assert } from "@effect/vitest"
import type { FakeAccount } from "@auth/broker-core/testing/FakeBroker"
import type { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import type { BrowserContext, Locator, Page } from "playwright-core"
import { bin, linesOf, run, type User, world } from "../../packages/cli/test/support.ts"
import { pageOf, valuesOf, type Way, ways } from "../../packages/cli/test/ways.ts"
import type { Page as LoginPage } from "../../packages/simulator/test/chromium/pages.ts"
import { freePort } from "../vitest/freePort.ts"
import { fill } from "./logins.ts"

type Simulated = Simulator.Simulator["Service"]

export interface Member {
  readonly name: string
  readonly way: Way
  readonly account: FakeAccount
}

/** Fields whose values must differ between the accounts of a broker. */
const unique = ["clientCode", "userId", "apiKey", "publisherKey", "applicationId", "vendor", "appCode", "accessToken"]

const variant = (account: FakeAccount, index: number): FakeAccount =>
  Object.fromEntries(
    Object.entries(account).map(([name, value]) => [
      name,
      unique.includes(name) ? `${value.slice(0, -1)}${index}` : value
    ])
  )

/**
 * Brokers that accept only https redirect URLs. Nothing listens at these URLs, so the user pastes the callback's URL
 * into the page of `broker-auth open`.
 */
const pastes = new Set(["angel"])

const members = Effect.fnUntraced(function* (simulator: Simulated, chosen: ReadonlyArray<Way>) {
  const counts = new Map<string, number>()
  return yield* Effect.forEach(chosen, (way) =>
    Effect.promise(async (): Promise<Member> => {
      const index = counts.get(way.broker) ?? 0
      counts.set(way.broker, index + 1)
      const base = simulator.brokers[way.broker]?.accounts[way.account ?? 0] ?? {}
      const redirectUrl =
        way.page === undefined || pastes.has(way.broker)
          ? base["redirectUrl"]
          : `http://127.0.0.1:${await freePort()}/callback`
      const account = { ...variant(base, index), redirectUrl } as FakeAccount
      return { name: `${way.broker}-${way.method}`, way, account }
    })
  )
})

export const desk = Effect.fnUntraced(function* (chosen: ReadonlyArray<Way> = ways) {
  const brokers = Array.from(new Set(chosen.map(({ broker }) => broker)))
  const { simulator, user } = yield* world({ brokers })
  const list = yield* members(simulator, chosen)
  yield* simulator.seed({
    brokers: Object.fromEntries(
      brokers.map((broker) => [
        broker,
        { accounts: list.filter(({ way }) => way.broker === broker).map(({ account }) => account) }
      ])
    )
  })
  yield* Effect.forEach(list, (member) => addMember(user, member), { concurrency: 2 })
  return { simulator, user, members: list }
})

export const addMember = Effect.fnUntraced(function* (
  user: User,
  { account, name, way }: Member,
  more: Readonly<Record<string, string>> = {}
) {
  const input = linesOf({ ...valuesOf(way, account), ...more })
  const args = ["add", way.broker, "--method", way.method, "--name", name, "--replace"]
  const added = yield* run(user, args, { input })
  assert.strictEqual(added.code, 0, added.stderr)
})

export interface Opened {
  readonly link: string
  readonly child: ChildProcess
  readonly printed: () => string
  readonly ended: Promise<number | string>
}

export const open = (user: User, args: ReadonlyArray<string> = []) =>
  Effect.acquireRelease(
    Effect.promise(async (): Promise<Opened> => {
      const child = spawn(process.execPath, ["--conditions=@auth/source", bin, "open", "--link", ...args], {
        cwd: user.state,
        env: user.env,
        stdio: ["ignore", "pipe", "pipe"]
      })
      let printed = ""
      child.stderr.on("data", (chunk) => (printed += String(chunk)))
      const ended = new Promise<number | string>((resolve) =>
        child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"))
      )
      const link = await Promise.race([
        new Promise<string>((resolve) => child.stdout.once("data", (chunk) => resolve(String(chunk).trim()))),
        ended.then((code) => Promise.reject(new Error(`open ended with ${code}: ${printed}`)))
      ])
      return { link, child, printed: () => printed, ended }
    }),
    ({ child }) => Effect.sync(() => void child.kill("SIGKILL"))
  )

export const cardOf = (page: Page, name: string): Locator =>
  page.locator("li.card").filter({ has: page.getByRole("heading", { name, exact: true }) })

export const until = async (what: string, isDone: () => Promise<boolean>, millis = 30_000): Promise<void> => {
  const end = Date.now() + millis
  while (!(await isDone())) {
    if (Date.now() > end) throw new Error(`Timed out after ${millis / 1000} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const promise = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(effect)

const scan = async (simulator: Simulated, { account }: Member): Promise<void> => {
  const origin = simulator.origins["https://webuat.rmoneyindia.co.in"] ?? ""
  let name: string | undefined
  await until("a poll of the QR code", async () => {
    const polls = (await promise(simulator.journal("rmoney"))).filter(({ endpoint }) => endpoint === "qrLogin")
    name = /"qrName":"([^"]+)"/.exec(polls.at(-1)?.body ?? "")?.[1]
    return name !== undefined
  })
  const body = new URLSearchParams({ userid: account["userId"] ?? "", password: account["password"] ?? "" })
  await fetch(`${origin}/qr-scan?qrName=${encodeURIComponent(name ?? "")}`, { method: "POST", body })
}

const fieldsOf = async (simulator: Simulated, login: LoginPage, { account, way }: Member): Promise<URLSearchParams> => {
  const own = login.fields(account, "needed")["totp"] === "needed"
  const totp = own ? (await promise(simulator.totp(way.broker, account[login.name] ?? ""))).code : ""
  return new URLSearchParams(Object.entries(login.fields(account, totp)).map(([name, value = ""]) => [name, value]))
}

/** Pastes the callback's URL into the card if nothing listens at the redirect URL. */
export const logInAtBroker = async (simulator: Simulated, tab: Page, card: Locator, member: Member): Promise<void> => {
  const login = pageOf(member.way)
  if (login === undefined) throw new Error(`${member.name} has no login page.`)
  const callbacks: Array<string> = []
  tab.on("request", (request) => {
    if (request.isNavigationRequest() && request.url().startsWith(member.account["redirectUrl"] ?? "-")) {
      callbacks.push(request.url())
    }
  })
  await tab.locator("button[type=submit]").first().waitFor()
  await fill(tab, await fieldsOf(simulator, login, member))
  await tab.locator("button[type=submit]").first().click()
  const input = card.locator("input")
  await until(`the end of the login of ${member.name}`, async () => {
    if (await input.isVisible()) return callbacks.length > 0
    return !(await card.locator(".step").isVisible())
  })
  if (await input.isVisible()) {
    const shown = tab.url()
    // If nothing listens at the redirect URL, the browser can stay on the broker's page.
    const isThere = shown.startsWith(member.account["redirectUrl"] ?? "-")
    await input.fill(isThere ? shown : (callbacks.at(-1) ?? ""))
    await card.getByRole("button", { name: "Send", exact: true }).click()
  }
  await tab.close()
}

/** Adds the URL of each `window.open` call and of each clicked link to the list `window.openedUrls`. */
const keepOpenedUrls = () => {
  const openedUrls: Array<string> = []
  const openTab = window.open
  Object.assign(window, { openedUrls })
  window.open = (url, ...rest) => {
    openedUrls.push(new URL(String(url), location.href).href)
    return openTab(url, ...rest)
  }
  document.addEventListener(
    "click",
    ({ target }) => void (target instanceof HTMLAnchorElement && openedUrls.push(target.href)),
    true
  )
}

export const logInAll = async (
  simulator: Simulated,
  window: BrowserContext,
  page: Page,
  list: ReadonlyArray<Member>
): Promise<void> => {
  const tabs: Array<Page> = []
  window.on("page", (tab) => void tabs.push(tab))
  await page.evaluate(keepOpenedUrls)
  // Clicks the link only if the page has not opened the tab yet.
  const tabOf = async (card: Locator): Promise<Page> => {
    const link = card.locator("a")
    const url = await link.evaluate((anchor: HTMLAnchorElement) => anchor.href)
    const position = () =>
      page.evaluate((opened) => (window as unknown as { openedUrls: Array<string> }).openedUrls.indexOf(opened), url)
    if ((await position()) === -1) await link.click()
    const index = await position()
    await until("a tab for the link", async () => tabs[index] !== undefined)
    return tabs[index]!
  }
  const handled = new Set<string>()
  await page.getByRole("button", { name: "Log in all" }).click()
  const done = `${list.length} of ${list.length} accounts are live.`
  await until(
    done,
    async () => {
      if ((await page.locator("#summary").textContent()) === done) return true
      for (const member of list) {
        const card = cardOf(page, member.name)
        if (handled.has(member.name)) continue
        if (await card.locator("a").isVisible()) {
          handled.add(member.name)
          await logInAtBroker(simulator, await tabOf(card), card, member)
        } else if (await card.locator("svg").isVisible()) {
          handled.add(member.name)
          await scan(simulator, member)
        } else if (await card.locator("input").isVisible()) {
          handled.add(member.name)
          const codes = await promise(simulator.codes(member.way.broker, member.account["userId"] ?? ""))
          await card.locator("input").fill(codes.at(-1) ?? "")
          await page.keyboard.press("Enter")
        }
      }
      return false
    },
    120_000
  )
}
