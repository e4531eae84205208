// Makes the package of a new broker from the templates in the folder `files`. A package outside of this repository also
// has the files of the folder `outside`.
import { execFileSync } from "node:child_process"
import { readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs"
import * as path from "node:path"
import { rangeOf } from "../../release/ranges.ts"
import { writeOutside } from "./outside.js"

const templates = path.join(import.meta.dirname, "files")

const list = "packages/brokers.json"

// Names of packages in this repository that are not brokers.
const reserved = new Set(["cli", "core", "node", "simulator"])

/** Returns what is wrong with the name, the prefix or the title. Returns `undefined` if all are valid. */
const wordProblem = ({ name, prefix, title }) => {
  if (!/^[a-z][a-z0-9]*$/.test(name)) {
    return `"${name}" cannot be a broker's name: use lower-case letters and digits, starting with a letter, as in "zerodha".`
  }
  if (!/^[A-Z][A-Za-z0-9]*$/.test(prefix)) {
    return `"${prefix}" cannot be the prefix of module names: use letters and digits, starting with a capital letter.`
  }
  if (!/^[^"\\`*/\n]+$/.test(title))
    return "The title must not be empty, and cannot contain double quotes, backquotes, slashes, backslashes, asterisks or line breaks."
  return undefined
}

/** Returns why this repository cannot have a package with this name and prefix. Returns `undefined` if it can. */
const placeProblem = (tree, { name, prefix }) => {
  if (reserved.has(name)) return `"${name}" is the name of another package in this repository: choose another name.`
  if (tree.exists(`packages/${name}`)) return `packages/${name} already exists: choose another name, or remove it.`
  const brokers = JSON.parse(tree.read(list, "utf-8"))
  if (Object.hasOwn(brokers, name)) return `${list} already has "${name}": choose another name, or remove the line.`
  if (Object.values(brokers).includes(prefix))
    return `"${prefix}" is the prefix of another broker's modules: choose another prefix.`
  return undefined
}

const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))

/** Modules of a new broker that no declaration file imports. They are packed without their own declaration files. */
const untyped = ["internal/codes", "internal/dialects"]

/** Returns the list of the files in the package's tarball. tools/packages/fileList.ts describes its format. */
const packed = (fill) => {
  const files = filesBelow(templates).map((file) => fill(file.replaceAll(path.sep, "/")).replace(/\.tmpl$/, ""))
  const modules = files.flatMap((file) => /^src\/(.+)\.ts$/.exec(file)?.[1] ?? [])
  const lines = modules.map((module) => `dist/${module}${untyped.includes(module) ? ".js" : ""}`)
  return `${["LICENSE", "README.md", "package.json", ...lines].toSorted((left, right) => (left < right ? -1 : 1)).join("\n")}\n`
}

const budgets = "tools/size/budgets.json"

/** Adds the budgets of the new broker: its program and its package may be as large as those of the largest broker. */
const withBudgets = (sizes, brokers, name) =>
  Object.fromEntries(
    Object.entries(sizes).map(([kind, known]) => {
      const largest = Math.max(...brokers.map((broker) => known[broker] ?? 0))
      const all = Object.entries({ ...known, [name]: largest }).toSorted(([left], [right]) => (left < right ? -1 : 1))
      return [kind, Object.fromEntries(all)]
    })
  )

const today = () => new Date().toISOString().slice(0, 10)

const run = (root, ...args) => execFileSync(process.execPath, args, { cwd: root, stdio: "inherit" })

/**
 * Runs npm with the machine's Node, because the Node of node_modules does not use the machine's npmrc and certificates.
 */
const npm = (root, ...args) => {
  const { npm_execpath: script, npm_node_execpath: node } = process.env
  const inherit = { cwd: root, stdio: "inherit" }
  if (script?.endsWith("npm-cli.js") && node !== undefined) execFileSync(node, [script, ...args], inherit)
  else execFileSync("npm", args, { ...inherit, shell: process.platform === "win32" })
}

/** Links the package into node_modules, as `npm install` does. Used with the option --install=false. */
const link = (root, name) => {
  const place = path.join(root, "node_modules/@auth", name)
  rmSync(place, { force: true })
  symlinkSync(path.join("../../packages", name), place, "junction")
}

const docs = ["--conditions=@auth/source", "tools/docs/tables.ts", "--write"]

const oxfmt = "node_modules/oxfmt/bin/oxfmt"

export default function broker(tree, options) {
  const name = String(options.name)
  const prefix = options.prefix ?? name.charAt(0).toUpperCase() + name.slice(1)
  const title = options.title ?? prefix
  const problem =
    wordProblem({ name, prefix, title }) ??
    (options.outside === undefined ? placeProblem(tree, { name, prefix }) : undefined)
  if (problem !== undefined) throw new Error(problem)

  const { version } = JSON.parse(tree.read("packages/core/package.json", "utf-8"))
  const words = {
    __id__: name,
    __Name__: prefix,
    __ENV__: name.toUpperCase(),
    __Title__: title,
    __date__: today(),
    __core__: rangeOf(version)
  }
  const fill = (text) => text.replace(/__(?:id|Name|ENV|Title|date|core)__/g, (word) => words[word])
  if (options.outside !== undefined) {
    // npm runs the generator in the root of this repository. INIT_CWD is the folder in which the author called npm.
    const folder = path.resolve(process.env.INIT_CWD ?? tree.root, options.outside)
    writeOutside({
      root: tree.root,
      templates,
      folder,
      fill,
      own: `@auth/${name}`,
      name: options.package ?? `broker-auth-${name}`
    })
    run(tree.root, oxfmt, folder)
    console.log(
      `\nMade ${folder}. It describes an invented broker. README.md says how to test it. Fill in the facts of your broker at each place that this command prints:\n` +
        `  grep -rn "Fill in" ${folder} --exclude-dir=node_modules`
    )
    return
  }
  const folder = `packages/${name}`
  for (const file of filesBelow(templates)) {
    const target = fill(file.replaceAll(path.sep, "/")).replace(/\.tmpl$/, "")
    const place = target === "changeset.md" ? `.changeset/first-${name}.md` : `${folder}/${target}`
    tree.write(place, fill(readFileSync(path.join(templates, file), "utf8")))
  }
  tree.write(`tools/packages/files/${name}.txt`, packed(fill))
  const known = JSON.parse(tree.read(list, "utf-8"))
  const sizes = withBudgets(JSON.parse(tree.read(budgets, "utf-8")), Object.keys(known), name)
  tree.write(budgets, `${JSON.stringify(sizes, undefined, 2)}\n`)
  const brokers = { ...known, [name]: prefix }
  tree.write(list, `${JSON.stringify(brokers, undefined, 2)}\n`)

  return () => {
    const { root } = tree
    const page = `docs/brokers/${name}.md`
    const changeset = `.changeset/first-${name}.md`
    // The first run updates only the files that `wiring.ts` generates, such as the manifests that npm reads. The tables
    // need an import of the new package, so they are generated after the install.
    run(root, ...docs, "--wiring")
    if (options.install === false) link(root, name)
    else npm(root, "install")
    run(root, ...docs)
    run(root, oxfmt, folder, changeset, list, "README.md", "AGENTS.md", "docs", "packages/simulator", "tsconfig.json")
    console.log(
      `\nMade ${folder}. It describes an invented broker. Fill in the facts of your broker at each place that this command prints:\n` +
        `  grep -rn "Fill in" ${folder} ${page} ${changeset}\n` +
        "Then run npm run check."
    )
  }
}
