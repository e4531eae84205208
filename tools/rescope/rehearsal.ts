/**
 * Rehearses an installation from tarballs under another npm scope. Runs the commands of `docs/start.md` in a copy of
 * the repository.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { copyRepository } from "../packages/copy.ts"
import { ended, run, runInFolder, runTool, start, stop } from "../packages/process.ts"
import { assert, none } from "../packages/tarballs.ts"
import { packages, root } from "../packages/workspace.ts"
import { freePort } from "../vitest/freePort.ts"

const guide = "docs/start.md"

/** The port of the simulator in the guide. The rehearsal uses a free port instead. */
const documentedPort = "4010"

/** `name`: the text after the backticks of a code block, such as "sh pack". */
export const commandsOf = (folder: string, file: string, name: string): string => {
  const text = fs.readFileSync(path.join(folder, file), "utf8")
  const [, commands] = new RegExp(`^\`\`\`${name}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(text) ?? []
  assert(commands !== undefined, `${file} has no block "${name}".`)
  return commands
}

/** The folders in a user's `PATH`. `npm run` adds folders in `node_modules`, which are left out here. */
const places = (process.env["PATH"] ?? "").split(path.delimiter).filter((place) => !place.includes("node_modules"))

/** Selects the Node that runs this script. Another Node in `places` may be too old for the packages. */
const newNode = { PATH: [path.dirname(process.execPath), ...places].join(path.delimiter) }

const shell = (commands: string, cwd: string, env: Readonly<Record<string, string>> = {}) =>
  start("sh", ["-euc", commands], { cwd, env: { PATH: places.join(path.delimiter), ...env } })

const succeed = async (...[commands, cwd, env]: Parameters<typeof shell>): Promise<string> => {
  const { end, printed } = await ended(shell(commands, cwd, env))
  assert(end === 0, `The commands ended with ${end}:\n${commands}\n${printed.trim()}`)
  return printed
}

const withSimulator = async (commands: string, cwd: string, use: () => Promise<void>): Promise<void> => {
  // A signal to npx would not reach the simulator, so the shell starts the command without npx.
  const simulator = shell(commands.replace("npx ", "exec ./node_modules/.bin/"), cwd, newNode)
  let printed = ""
  simulator.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()))
  simulator.stderr?.on("data", (chunk: Buffer) => (printed += chunk.toString()))
  const url = /http:\/\/127\.0\.0\.1:\d+/
  const deadline = performance.now() + 30_000
  while (!url.test(printed)) {
    assert(simulator.exitCode === null && performance.now() < deadline, `The simulator did not start:\n${printed}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await use().finally(() => stop(simulator))
}

/** `folder` must be empty. */
export const rehearse = async (folder: string): Promise<void> => {
  const copy = path.join(folder, "broker-auth")
  copyRepository(copy)
  const git = (...args: ReadonlyArray<string>) =>
    run("git", ["-c", "user.name=rehearsal", "-c", "user.email=rehearsal@mail.example", ...args], { cwd: copy })
  await git("init", "--quiet")
  await git("add", "--all")
  await git("commit", "--quiet", "--no-verify", "--message", "copy")

  const rescope = commandsOf(copy, guide, "sh rescope").trim()
  const [scope = ""] = /@\S+$/.exec(rescope) ?? []
  const names = packages().map(({ manifest }) => path.posix.basename(manifest.name))
  const old = path.posix.dirname(packages()[0]?.manifest.name ?? "")

  await succeed(rescope.replace(scope, `${old}-round_trip.2`), copy)
  const refused = await ended(shell(rescope, copy))
  assert(
    refused.end === 1 && refused.stderr.includes("Commit them first"),
    `The command did not refuse a work tree with changes:\n${refused.printed}`
  )
  await succeed(rescope.replace(scope, `--force ${old}`), copy)
  // With the longer scope, the formatter breaks some lines. It does not join these lines later, so the comparison
  // ignores white space and commas.
  const bare = (text: string) => text.replace(/[\s,]/g, "")
  const changed: Array<string> = []
  for (const file of (await git("diff", "--name-only")).split("\n").filter((line) => line !== "")) {
    const before = await git("show", `HEAD:${file}`)
    if (bare(before) !== bare(fs.readFileSync(path.join(copy, file), "utf8"))) changed.push(file)
  }
  none(changed, "Files that differ after a change to another scope and back")
  await git("add", "--all")
  await git("commit", "--quiet", "--no-verify", "--allow-empty", "--message", "round trip")

  const printed = await succeed(rescope, copy)
  assert(printed.includes(`Changed the scope ${old} to ${scope}`), printed)
  const mentions = `${old}\\\\?/(source|${names.join("|")})`
  const left = await ended(start("git", ["grep", "--line-number", "--extended-regexp", mentions], { cwd: copy }))
  none(
    left.stdout.split("\n").filter((line) => line !== "" && !line.startsWith("docs/decisions/001-")),
    `lines that still have the scope ${old}`
  )
  assert(
    left.stdout.includes("docs/decisions/001-"),
    "The search does not work: docs/decisions/001-* keeps the old scope, but the search did not find it."
  )
  await runTool("oxlint/bin/oxlint", ["packages/simulator/src"], { cwd: copy })

  for (const name of ["sh pack", "sh install"]) {
    assert(
      commandsOf(copy, "README.md", name) === commandsOf(copy, guide, name),
      `README.md and ${guide} have different blocks "${name}".`
    )
  }
  await succeed(commandsOf(copy, guide, "sh pack"), copy)
  // The block "sh install" enters a new folder beside the copy.
  const place = (await succeed(`${commandsOf(copy, guide, "sh install")}\npwd`, copy)).trim().split("\n").at(-1) ?? ""
  assert(path.dirname(place) === fs.realpathSync(folder), `The packages were installed in ${place}.`)
  const installed = fs.readdirSync(path.join(place, "node_modules", scope)).toSorted()
  const expected = names.map((name) => path.posix.basename(name)).toSorted()
  assert(
    installed.join() === expected.join(),
    `Installed ${installed.join(", ")}, but expected ${expected.join(", ")}.`
  )
  assert(!fs.existsSync(path.join(place, "node_modules", old)), `A package has the scope ${old}.`)

  const port = String(await freePort())
  const commands = (name: string) => commandsOf(copy, guide, name).replaceAll(documentedPort, port)
  await withSimulator(commands("sh simulate"), place, async () => {
    const shown = await succeed(commands("sh login"), place, { ...newNode, XDG_STATE_HOME: path.join(folder, "state") })
    assert(/^id: A123456$/m.test(shown), `The command printed no profile:\n${shown}`)
    assert(/^angel: .*\n +session: live until /m.test(shown), `The command printed no live session:\n${shown}`)
    const { entries } = (await (await fetch(`http://127.0.0.1:${port}/journal`)).json()) as {
      readonly entries: ReadonlyArray<{ readonly endpoint: string }>
    }
    const endpoints = entries.map(({ endpoint }) => endpoint)
    const logins = endpoints.filter((endpoint) => endpoint === "loginByPassword").length
    assert(logins === 1, `The broker received ${logins} logins: ${endpoints.join(", ")}`)
  })
}

if (import.meta.main) {
  await runInFolder("rescope", async (folder) => {
    const began = performance.now()
    await rehearse(folder)
    console.log(
      `rescope: changed the scope in a copy of ${path.basename(root)}, installed its tarballs, and logged in ` +
        `(${((performance.now() - began) / 1000).toFixed(1)} s)`
    )
    return 0
  })
}
