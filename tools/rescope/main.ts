/** `npm run rescope -- @your-scope`: gives all packages of the repository a new npm scope. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { runTool } from "../packages/process.ts"
import { packages, root } from "../packages/workspace.ts"
import { problemOf, rewrite } from "./rewrite.ts"

/** Documents that say why a scope was chosen. They are not rewritten. */
const records = ["docs/decisions/001-scope-and-the-name-of-core.md"]

const usage = `Usage: npm run rescope -- [option …] <scope>

Gives all packages a new npm scope, such as @your-scope. The command replaces the scope in manifests, imports, service
ids, export conditions, documents, tests, tools and the lockfile. It can run again with another scope. Names of packages
that are not in this repository keep the old scope: the command prints these names. It does not change
${records.join(", ")}.

Options:
  --force  also runs if the work tree has changes that are not committed
  --help   prints this text`

/** The export condition `@auth/source`, without its scope. */
const condition = "source"

const splitName = (name: string) => ({ scope: path.posix.dirname(name), short: path.posix.basename(name) })

const git = (...args: ReadonlyArray<string>): string =>
  execFileSync("git", args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"]
  })

const textFiles = (): ReadonlyArray<string> =>
  git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    .split("\0")
    .filter((file) => file !== "" && fs.lstatSync(path.join(root, file), { throwIfNoEntry: false })?.isFile())
    .filter((file) => !fs.readFileSync(path.join(root, file)).includes(0))

const installedScopes = (): ReadonlySet<string> => {
  const lockfile = JSON.parse(fs.readFileSync(path.join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly link?: boolean }>>
  }
  return new Set(
    Object.entries(lockfile.packages).flatMap(([place, { link }]) => {
      const [, scope] = /node_modules\/(@[^/]+)\/[^/]+$/.exec(place) ?? []
      return scope === undefined || link === true ? [] : scope
    })
  )
}

/** Moves the links in `node_modules` to the new scope, so that tools find the packages before the next install. */
const moveLinks = (from: string, to: string, names: ReadonlyArray<string>): void => {
  const folderOf = (scope: string) => path.join(root, "node_modules", scope)
  fs.mkdirSync(folderOf(to), { recursive: true })
  for (const name of names) {
    const link = path.join(folderOf(from), name)
    if (fs.lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      fs.renameSync(link, path.join(folderOf(to), name))
  }
  if (fs.readdirSync(folderOf(from)).length === 0) fs.rmdirSync(folderOf(from))
}

const parse = () => {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { force: { type: "boolean", default: false }, help: { type: "boolean", default: false } }
    })
    return positionals.length === 1 || values.help ? { to: positionals[0] ?? "", ...values } : "Give exactly one scope."
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const main = async (): Promise<string | undefined> => {
  const parsed = parse()
  if (typeof parsed === "string") return `${parsed}\n\n${usage}`
  if (parsed.help) {
    console.log(usage)
    return undefined
  }
  const { force, to } = parsed

  const all = packages().map(({ manifest }) => splitName(manifest.name))
  const from = all[0]?.scope ?? ""
  const mixed = all.find(({ scope }) => scope !== from)
  if (mixed !== undefined) return `The packages have the scopes ${from} and ${mixed.scope}: give them one scope first.`
  const names = new Set([condition, ...all.map(({ short }) => short)])
  const problem = problemOf(to, { from, names, taken: installedScopes() })
  if (problem !== undefined) return problem
  let isClean: boolean
  try {
    isClean = git("status", "--porcelain") === ""
    if (!isClean && !force) {
      return "The work tree has changes that are not committed. Commit them first, or add --force."
    }
  } catch {
    return "This folder is not a Git work tree, so the change could not be undone. Run the command in a clone."
  }

  let [count, changed] = [0, 0]
  const foreign = new Map<string, string>()
  for (const file of textFiles().filter((name) => !records.includes(name))) {
    const place = path.join(root, file)
    const text = fs.readFileSync(place, "utf8")
    const result = rewrite(text, { from, to, names })
    for (const name of result.foreign) foreign.set(name, file)
    count += result.count
    if (result.count === 0) continue
    changed += 1
    fs.writeFileSync(place, result.text)
  }

  const isInstalled = fs.existsSync(path.join(root, "node_modules", from))
  if (isInstalled) {
    moveLinks(
      from,
      to,
      all.map(({ short }) => short)
    )
    await runTool("../tools/docs/tables.ts", ["--write"], {
      cwd: root,
      env: { NODE_OPTIONS: `--conditions=${to}/source` }
    })
    await runTool("oxfmt/bin/oxfmt", [], { cwd: root })
  }
  for (const [name, file] of foreign)
    console.log(`Not changed: ${name}, which is not a package of this repository (${file}).`)
  console.log(
    `Changed the scope ${from} to ${to} in ${count} places in ${changed} files.\n` +
      `Next: npm install && ${isInstalled ? "" : "npm run docs:tables && npm run format && "}npm run check\n` +
      // `git restore` would also undo the user's uncommitted changes, and would not restore untracked files.
      `To undo the change: ${isClean ? "git restore ." : `npm run rescope -- --force ${from}`} && npm install`
  )
  return undefined
}

const failure = await main()
if (failure !== undefined) {
  console.error(failure)
  process.exitCode = 1
}
