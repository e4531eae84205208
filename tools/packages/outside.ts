/**
 * Makes and checks a broker package outside of this repository, with the commands in `docs/write-a-broker.md`.
 * Installs the packages of this repository from their tarballs.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { run, runNpm } from "./process.ts"
import { assert } from "./tarballs.ts"
import { root } from "./workspace.ts"

const page = "docs/write-a-broker.md"

/** The commands of the page use this path for the folder of the package. */
const documented = "../broker-auth-acme"

const commandsOfPage = (): ReadonlyArray<string> => {
  const [, section = ""] = fs.readFileSync(path.join(root, page), "utf8").split("## Outside of this repository\n")
  const [, commands = ""] = /```sh\n([^`]+)```/.exec(section) ?? []
  return commands.trim().split("\n")
}

/** Recognizes only double quotation marks. */
const words = (command: string): ReadonlyArray<string> =>
  Array.from(command.matchAll(/"([^"]*)"|\S+/g), ([word, quoted]) => quoted ?? word)

export interface Options {
  /** An empty folder, in which the package is made. */
  readonly folder: string
  readonly tarball: (name: string) => string
}

const installed = ["@auth/broker-core", "@auth/node", "@auth/cli"]

const shows: Readonly<Record<string, RegExp>> = {
  "npm test": /Tests .*\b\d{2,} passed/,
  "npx broker-auth brokers --package .": /^acme: Acme Broking\n {4}totp: User id, password and TOTP\n$/
}

export const checkOutside = async ({ folder, tarball }: Options): Promise<number> => {
  const target = path.join(folder, path.basename(documented))
  // With this PATH, the commands run with the Node of this process.
  const env = {
    NO_COLOR: "1",
    PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env["PATH"]}`,
    XDG_STATE_HOME: path.join(folder, "state")
  }
  let cwd = root
  const perform = async (command: string): Promise<string> => {
    const [program, ...args] = words(command).map((word) => (word === documented ? target : word))
    if (program === "cd") cwd = args[0]!
    // The dependencies of this repository are already installed.
    if (program === "cd" || (command === "npm install" && cwd === root)) return ""
    if (command === "npm install") {
      return runNpm(["install", "--silent", "--prefer-offline", ...installed.map(tarball)], { cwd })
    }
    if (program === "npm") return runNpm(args, { cwd, env })
    assert(program === "npx", `${page}: the check cannot run "${command}"`)
    return run(path.join(cwd, "node_modules/.bin", args[0]!), args.slice(1), { cwd, env })
  }
  const commands = commandsOfPage()
  for (const [command] of Object.entries(shows)) {
    assert(commands.includes(command), `${page}: the section "Outside of this repository" has no command "${command}"`)
  }
  for (const command of commands) {
    const printed = await perform(command)
    assert(shows[command]?.test(printed) !== false, `${page}: "${command}" printed:\n${printed}`)
  }
  const files = ["package.json", ...fs.globSync("{src,test}/**/*.ts", { cwd: target })]
  const tied = files.filter((file) => /tools\/|@auth\/source/.test(fs.readFileSync(path.join(target, file), "utf8")))
  assert(tied.length === 0, `${page}: files that need this repository: ${tied.join(", ")}`)
  return commands.length
}
