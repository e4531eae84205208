/** `tools/docs/site.ts` copies this file and all pages to the folder `.site`, and builds the site there. */
import * as fs from "node:fs"
import * as path from "node:path"
import { defineConfig } from "vitepress"

/** `tools/docs/stage.ts` writes these lists of pages to `lists.json`. */
interface Lists {
  readonly brokers: ReadonlyArray<Item>
  readonly decisions: ReadonlyArray<Item>
  readonly api: ReadonlyArray<{ readonly text: string; readonly items: ReadonlyArray<Item> }>
}

interface Item {
  readonly text: string
  readonly link: string
}

const lists = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, "lists.json"), "utf8")) as Lists

const group = (text: string, items: ReadonlyArray<Item>) => ({ text, items: [...items] })
const folded = (text: string, items: ReadonlyArray<Item>) => ({ text, items: [...items], collapsed: true })
const item = (text: string, link: string): Item => ({ text, link })

const guide = [
  group("Begin", [
    item("Broker auth", "/"),
    item("Start", "/start"),
    item("Programs without Effect", "/without-effect"),
    item("Programs with Effect", "/with-effect"),
    item("Sessions", "/sessions"),
    item("Pasted credentials", "/credentials"),
    item("Packages", "/packages")
  ]),
  group("Brokers", [item("All brokers", "/brokers/"), ...lists.brokers, item("Rules of the regulator", "/regulation")]),
  group("Recipes", [
    item("Restart without a login", "/recipes/restart"),
    item("Many accounts", "/recipes/many-accounts"),
    item("Many machines, with Redis", "/recipes/redis"),
    item("A login in the browser", "/recipes/browser"),
    item("A one-time code by chat", "/recipes/one-time-code"),
    item("Any language", "/recipes/serve"),
    item("Proxies and static IPs", "/recipes/proxy"),
    item("A market feed", "/recipes/feed"),
    item("Tests with the fakes", "/recipes/testing"),
    item("CI without secrets", "/recipes/ci"),
    item("Docker and Kubernetes", "/recipes/containers"),
    item("systemd", "/recipes/systemd"),
    item("All examples", "/examples/")
  ]),
  group("Run it", [
    item("Operations", "/operations"),
    item("Requests after a failure", "/failures"),
    item("Performance", "/performance"),
    item("Cost of many accounts", "/scale"),
    item("Runtimes", "/runtimes"),
    item("Security", "/security"),
    item("The command", "/packages/cli"),
    item("Help of the command", "/broker-auth"),
    item("The simulator", "/packages/simulator")
  ]),
  folded("Project", [
    item("Write a broker", "/write-a-broker"),
    item("Contributing", "/contributing"),
    item("For coding agents", "/agents"),
    item("Changelog", "/changelog"),
    item("License", "/license")
  ]),
  folded("Decisions", lists.decisions)
]

export default defineConfig({
  title: "Broker auth",
  description: "Log in to Indian stock brokers from TypeScript, and keep the session",
  lang: "en",
  cleanUrls: false,
  outDir: "./.vitepress/dist",
  themeConfig: {
    search: { provider: "local" },
    outline: { level: [2, 3], label: "On this page" },
    nav: [
      { text: "Start", link: "/start" },
      { text: "Brokers", link: "/brokers/" },
      { text: "Recipes", link: "/recipes/restart" },
      { text: "Operations", link: "/operations" },
      { text: "API", link: "/api/" }
    ],
    sidebar: { "/": guide, "/api/": lists.api.map(({ items, text }) => folded(text, items)) }
  },
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    config: (markdown) => {
      // A wide table scrolls in its own box. `tabindex` lets people scroll the box with the keyboard.
      markdown.renderer.rules["table_open"] = () =>
        '<div class="wide-table" tabindex="0" role="group" aria-label="Table">\n<table>\n'
      markdown.renderer.rules["table_close"] = () => "</table>\n</div>\n"
    }
  }
})
