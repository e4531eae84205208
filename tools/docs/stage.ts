/**
 * Makes the folder from which VitePress builds the site. Links between files of the repository become links between
 * pages.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { isRelative, mapLinks, pathOf } from "../packages/repository.ts"
import { files, packages, root } from "../packages/workspace.ts"
import { apiPages } from "./api.ts"
import { listed } from "./wiring.ts"

const read = (file: string): string => fs.readFileSync(path.join(root, file), "utf8")

const titleOf = (text: string): string => /^# (.+)$/m.exec(text)?.[1] ?? ""

/** Maps paths in the repository to paths in the site. */
const pages = (): ReadonlyMap<string, string> => {
  const found = new Map<string, string>([
    ["README.md", "index.md"],
    ["SECURITY.md", "security.md"],
    ["CONTRIBUTING.md", "contributing.md"],
    ["AGENTS.md", "agents.md"],
    ["LICENSE", "license.md"],
    ["docs", "index.md"],
    ["docs/decisions", "decisions/index.md"],
    ["docs/screenshots", "screenshots.md"],
    ["examples", "examples/index.md"],
    ["examples/README.md", "examples/index.md"],
    ["examples/python", "examples/index.md"]
  ])
  for (const file of files(path.join(root, "docs"))) {
    if (file.endsWith(".md")) found.set(`docs/${file}`, file)
  }
  for (const { folder } of packages()) {
    found.set(`packages/${folder}`, `packages/${folder}.md`)
    found.set(`packages/${folder}/README.md`, `packages/${folder}.md`)
  }
  for (const file of exampleFiles()) found.set(`examples/${file}`, `examples/${file}.md`)
  return found
}

const exampleFiles = (): ReadonlyArray<string> =>
  files(path.join(root, "examples")).filter((file) => /\.(?:ts|cjs|py)$/.test(file) && !file.includes(".test."))

export const relink = (
  file: string,
  page: string,
  text: string,
  known: ReadonlyMap<string, string>,
  problems: Array<string>
): string => {
  const target = (link: string): string => {
    const own = pathOf(link)
    if (own === undefined && (!isRelative(link) || link.startsWith("/"))) return link
    const [place = "", anchor] = (own ?? path.posix.join(path.posix.dirname(file), link)).split("#")
    const inRepository = place.replace(/\/$/, "")
    if (/\.(?:png|svg)$/.test(inRepository)) {
      if (!fs.existsSync(path.join(root, inRepository))) problems.push(`${file}: ${link} does not exist`)
      return path.posix.join("/", inRepository.replace(/^docs\//, ""))
    }
    const found = known.get(inRepository)
    if (found === undefined) {
      problems.push(`${file}: ${link} names a file that has no page`)
      return link
    }
    const relative = path.posix.relative(path.posix.dirname(page), found)
    return `${relative.startsWith(".") ? relative : `./${relative}`}${anchor === undefined ? "" : `#${anchor}`}`
  }
  return mapLinks(text, target)
}

const changelog = (): string => {
  const changesets = files(path.join(root, ".changeset")).filter((file) => file.endsWith(".md") && file !== "README.md")
  const next = changesets.map((file) => {
    const [, head = "", text = ""] = /^---\n([\s\S]*?)---\n([\s\S]*)$/.exec(read(`.changeset/${file}`)) ?? []
    const names = Array.from(head.matchAll(/"([^"]+)"/g), ([, name]) => `\`${name}\``)
    return { names: names.join(", "), text: text.trim() }
  })
  const released = packages().flatMap(({ folder }) => {
    const file = `packages/${folder}/CHANGELOG.md`
    return fs.existsSync(path.join(root, file)) ? [read(file).replace(/^#/gm, "##")] : []
  })
  const sections = next.map(({ names, text }) => `### ${names}\n\n${text}`)
  return ["# Changelog", ...(next.length === 0 ? [] : ["## Not yet released", ...sections]), ...released].join("\n\n")
}

const languages: Readonly<Record<string, string>> = { ".ts": "ts", ".cjs": "js", ".py": "python" }

const sorted = (folder: string): ReadonlyArray<string> =>
  files(path.join(root, folder)).filter((file) => file.endsWith(".md") && file !== "index.md")

export const stage = (folder: string): ReadonlyArray<string> => {
  const problems: Array<string> = []
  const known = pages()
  const write = (page: string, text: string) => {
    const place = path.join(folder, page)
    fs.mkdirSync(path.dirname(place), { recursive: true })
    fs.writeFileSync(place, text)
  }
  fs.cpSync(path.join(root, "docs/.vitepress"), path.join(folder, ".vitepress"), { recursive: true })
  fs.cpSync(path.join(root, "docs/screenshots"), path.join(folder, "public/screenshots"), { recursive: true })
  for (const file of fs.readdirSync(path.join(root, "docs")).filter((name) => name.endsWith(".svg")))
    fs.cpSync(path.join(root, "docs", file), path.join(folder, "public", file))
  for (const [file, page] of known) {
    if (file.endsWith(".md") && file !== "README.md") write(page, relink(file, page, read(file), known, problems))
  }
  // The first page of the site is docs/index.md. The README of the repository is only checked for wrong links.
  relink("README.md", "index.md", read("README.md"), known, problems)
  for (const file of exampleFiles()) {
    const language = languages[path.extname(file)] ?? ""
    write(`examples/${file}.md`, `# ${file}\n\n\`\`\`${language}\n${read(`examples/${file}`).trimEnd()}\n\`\`\`\n`)
  }
  write("license.md", `# License\n\n${read("LICENSE").trim()}\n`)
  write("changelog.md", `${changelog()}\n`)
  const pictures = files(path.join(root, "docs/screenshots"))
  write(
    "screenshots.md",
    `# Pictures\n\n${pictures.map((file) => `## ${file.replace(/\.png$/, "")}\n\n![](/screenshots/${file})\n`).join("\n")}`
  )
  const decisions = sorted("docs/decisions").map((file) => ({
    text: titleOf(read(`docs/decisions/${file}`)),
    link: `/decisions/${file.replace(/\.md$/, "")}`
  }))
  write(
    "decisions/index.md",
    `# Decisions\n\nOne page for each choice that needed a discussion.\n\n${decisions.map(({ link, text }) => `- [${text}](${link})`).join("\n")}\n`
  )
  const api = apiPages()
  for (const { pages: modules } of api) for (const { path: page, text } of modules) write(page, text)
  const group = ({ name, pages: modules }: (typeof api)[number]) => ({
    text: name,
    items: modules.map(({ path: page, title }) => ({ text: title, link: `/${page.replace(/\.md$/, "")}` }))
  })
  const groups = api.filter(({ pages: modules }) => modules.length > 0).map(group)
  write(
    "api/index.md",
    `# API\n\nOne page for each public module, except modules that only collect other modules, such as \`index\` and \`msw\`. The pages are made from the sources and their declarations.\n\n${groups
      .map(({ items, text }) => `## ${text}\n\n${items.map((one) => `- [${one.text}](${one.link})`).join("\n")}`)
      .join("\n\n")}\n`
  )
  const brokers = listed().map(({ id }) => ({ text: titleOf(read(`docs/brokers/${id}.md`)), link: `/brokers/${id}` }))
  write(".vitepress/lists.json", JSON.stringify({ brokers, decisions, api: groups }))
  return problems
}
