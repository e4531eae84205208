/**
 * Checks pages of the built site in Chromium with axe. `npm run docs` runs this check. The command
 * `node --conditions=@auth/source tools/chromium/site.ts --write` also writes screenshots to `docs/screenshots`.
 */
import axe from "axe-core"
import * as fs from "node:fs"
import * as http from "node:http"
import * as path from "node:path"
import type { Page } from "playwright-core"
import { root } from "../packages/workspace.ts"
import { listen } from "../vitest/freePort.ts"
import { startChromium } from "./browser.ts"

const site = path.join(root, ".site/.vitepress/dist")
const pages = ["index", "start", "brokers/angel", "failures", "api/core/session/SessionManager"]

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".woff2": "font/woff2",
  ".json": "application/json",
  ".png": "image/png"
}

const server = http.createServer((request, response) => {
  const file = path.join(site, path.normalize(decodeURIComponent((request.url ?? "/").split("?")[0] ?? "/")))
  if (!fs.existsSync(file) || !fs.statSync(file).isFile()) return response.writeHead(404).end()
  return response.setHeader("content-type", types[path.extname(file)] ?? "text/plain").end(fs.readFileSync(file))
})

/** axe rules that the default theme of VitePress 1.6.4 breaks with its link groups and its search button. */
const rulesOfTheme = ["nested-interactive", "label-content-name-mismatch"]

const pictured = new Set(["360 dark", "1280 light"])

/** Problems that axe does not always report. */
const layoutProblems = () => {
  const levels = Array.from(document.querySelectorAll("main :is(h1, h2, h3, h4)"), ({ tagName }) => Number(tagName[1]))
  return [
    ...(document.documentElement.scrollWidth > window.innerWidth ? ["the page is wider than the window"] : []),
    ...(levels.some((level, index) => level > (levels[index - 1] ?? 0) + 1) ? ["a heading level is skipped"] : []),
    ...(Array.from(document.querySelectorAll("main table")).every((table) => table.querySelector("th") !== null)
      ? []
      : ["a table has no header cell"]),
    ...(document.querySelector(".VPSkipLink") === null ? ["there is no skip link"] : [])
  ]
}

const check = async (page: Page): Promise<ReadonlyArray<string>> => {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() => (window as unknown as { readonly axe: typeof axe }).axe.run())
  return [
    ...violations
      .filter(({ id }) => !rulesOfTheme.includes(id))
      .map(
        ({ id, nodes }) =>
          `${id}: ${nodes
            .slice(0, 3)
            .map(({ html }) => html)
            .join(" | ")}`
      ),
    ...(await page.evaluate(layoutProblems))
  ]
}

const problems: Array<string> = []
const port = await listen(server)
const chromium = await startChromium()
try {
  await chromium.withWindow(async (window) => {
    const page = await window.newPage()
    for (const name of pages) {
      for (const width of [360, 1280]) {
        for (const colorScheme of ["light", "dark"] as const) {
          await page.setViewportSize({ width, height: 900 })
          await page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
          await page.goto(`http://127.0.0.1:${port}/${name}.html`, { waitUntil: "networkidle" })
          problems.push(...(await check(page)).map((text) => `${name} ${width} ${colorScheme} ${text}`))
          if (process.argv.includes("--write") && pictured.has(`${width} ${colorScheme}`)) {
            const file = `site-${name.replaceAll("/", "-").toLowerCase()}-${width}-${colorScheme}.png`
            const picture = await page.screenshot({ animations: "disabled" })
            fs.writeFileSync(path.join(root, "docs/screenshots", file), picture)
          }
        }
      }
    }
  })
} finally {
  await chromium.close()
  server.closeAllConnections()
  server.close()
}
for (const problem of problems) console.error(problem)
console.log(`${pages.length} pages were checked, with ${problems.length} problems.`)
process.exitCode = problems.length > 0 ? 1 : 0
