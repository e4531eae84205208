/**
 * Makes the API pages from the compiled declarations (`dist/**\/*.d.ts`) and the first comment of each source file.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { files, packages, root } from "../packages/workspace.ts"

export interface Page {
  /** Path below the root of the site. */
  readonly path: string
  readonly title: string
  readonly text: string
}

interface Declaration {
  readonly name: string
  readonly comment: string
  readonly signature: string
}

/** Escapes characters that Markdown or Vue would read as markup, except in code. */
const escaped = (text: string): string =>
  text
    .split(/(```[\s\S]*?```|`[^`\n]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll("<", "\\<").replaceAll("{{", "{ {")))
    .join("")

const textOf = (comment: string): string =>
  comment
    .replace(/^\s*\/\*\*/, "")
    .replace(/\*\/\s*$/, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n")
    .trim()

const partsOf = (comment: string) => {
  const [description = "", ...tags] = textOf(comment).split(/^@/m)
  const tag = (name: string) =>
    tags
      .find((text) => text.startsWith(name))
      ?.slice(name.length)
      .trim()
  return { description: escaped(description.trim()), example: tag("example"), category: tag("category") ?? "other" }
}

const isStart = /^(?:\/\*\*|export |declare |import |interface |type |class |abstract )/

/** A declaration must start in the first column. */
export const declarations = (text: string): ReadonlyArray<Declaration> => {
  const found: Array<Declaration> = []
  const lines = text.split("\n")
  let comment = ""
  for (let index = 0; index < lines.length; index += 1) {
    const begin = index
    if (lines[index]?.startsWith("/**")) {
      while (!lines[index]?.includes("*/")) index += 1
      comment = lines.slice(begin, index + 1).join("\n")
      continue
    }
    if (!isStart.test(lines[index] ?? "")) continue
    while (index + 1 < lines.length && !isStart.test(lines[index + 1] ?? "")) index += 1
    const statement = lines
      .slice(begin, index + 1)
      .filter((line) => !line.startsWith("//# "))
      .join("\n")
      .trim()
    const [, name] =
      /^export (?:declare )?(?:abstract )?(?:const|function|class|interface|type|let) (\w+)/.exec(statement) ?? []
    if (name !== undefined) found.push({ name, comment, signature: statement.replace(/^export declare /, "export ") })
    else if (statement.startsWith("export {")) found.push(...reExports(statement))
    comment = ""
  }
  return found
}

/** Reads a statement such as `export { a, b } from "./internal/c.ts"`. Names without a JSDoc comment are omitted. */
const reExports = (statement: string): ReadonlyArray<Declaration> =>
  Array.from(statement.matchAll(/(\/\*\*[\s\S]*?\*\/)\s*(?:type )?(\w+)/g), ([, comment = "", name = ""]) => ({
    name,
    comment,
    signature: `export { ${name} }`
  }))

const moduleText = (source: string): string => /^\/\*\*[\s\S]*?\*\//.exec(source)?.[0] ?? ""

const render = (name: string, specifier: string, source: string, found: ReadonlyArray<Declaration>): string => {
  // All overloads of a function have the same name.
  const names = Array.from(new Set(found.map((one) => one.name)))
  const documented = names.map((one) => {
    const all = found.filter((declaration) => declaration.name === one)
    const comment = all.find((declaration) => declaration.comment !== "")?.comment ?? ""
    return { name: one, ...partsOf(comment), signature: all.map(({ signature }) => signature).join("\n") }
  })
  const categories = Array.from(new Set(documented.map(({ category }) => category))).toSorted()
  const entry = ({ description, example, name: title, signature }: (typeof documented)[number]) =>
    [
      `### ${title}`,
      ...(description === "" ? [] : [description]),
      `\`\`\`ts\n${signature}\n\`\`\``,
      ...(example === undefined ? [] : ["Example:", escaped(example)])
    ].join("\n\n")
  return [
    `# ${name}`,
    partsOf(moduleText(source)).description,
    `\`\`\`ts\nimport * as ${name} from "${specifier}"\n\`\`\``,
    ...categories.flatMap((category) => [
      `## ${category.charAt(0).toUpperCase()}${category.slice(1)}`,
      ...documented.filter((one) => one.category === category).map(entry)
    ])
  ].join("\n\n")
}

const pageOf = (folder: string, manifest: string, file: string): Page => {
  const place = path.join(root, "packages", folder)
  const module = file.replace(/\.ts$/, "")
  const emitted = path.join(place, "dist", `${module}.d.ts`)
  if (!fs.existsSync(emitted)) throw new Error(`${emitted} is missing. First run: npm run typecheck`)
  const title = path.basename(module)
  const source = fs.readFileSync(path.join(place, "src", file), "utf8")
  const text = render(title, `${manifest}/${module}`, source, declarations(fs.readFileSync(emitted, "utf8")))
  return { path: `api/${folder}/${module}.md`, title, text: `---\noutline: 3\n---\n\n${text}\n` }
}

/** Modules that only collect other modules, such as `index.ts` and `msw.ts`, have no page. */
export const apiPages = (): ReadonlyArray<{ readonly name: string; readonly pages: ReadonlyArray<Page> }> =>
  packages().map(({ folder, manifest, path: place }) => ({
    name: manifest.name,
    pages: files(path.join(place, "src"))
      .filter((file) => file.endsWith(".ts") && !/(?:^|\/)(?:internal|contract)\//.test(file))
      .filter((file) => /^[A-Z]/.test(path.basename(file)))
      .map((file) => pageOf(folder, manifest.name, file))
      .filter(({ text }) => text.includes("\n### "))
  }))
