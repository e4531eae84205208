/**
 * Checks the packages before they are published, in these steps:
 *
 * - make a clean build
 * - check the manifests, the READMEs and the packed files
 * - import and type-check every export from the tarballs, and run the programs of the READMEs
 * - log in with the installed command
 * - make and test a broker package outside of this repository
 * - run the examples with the tarballs
 * - change the npm scope in a copy of the repository, and log in with the packages of the copy
 * - install the packages from a registry on loopback
 *
 * `npm run pack-check -- angel` leaves out the build, the examples, the copy and the registry. It checks the
 * manifests, the READMEs and the packed files of all packages. It does the other steps only for the package `angel`.
 * If a package is named, the login with the installed command runs only for `cli`, and the broker package is made only
 * for `core`.
 *
 * `--update-files` writes the lists of packed files to `tools/packages/files`, and ends.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { commandFolder } from "./bundle.ts"
import { checkCommand } from "./command.ts"
import { outputsOf } from "./contents.ts"
import { compareFiles, staleLists, writeList } from "./fileList.ts"
import { playScenarios } from "../examples/scenarios.ts"
import { programsOf, runPrograms } from "./programs.ts"
import { checkOutside } from "./outside.ts"
import { run, runInFolder, runNpm, runTool } from "./process.ts"
import { withRegistry } from "./registry.ts"
import {
  assert,
  checkPage,
  emptyProject,
  fromRoot,
  installed,
  none,
  optionalPeers,
  pack,
  type Packed,
  specifiers
} from "./tarballs.ts"
import { commandsOf, rehearse } from "../rescope/rehearsal.ts"
import { checkTypes, compilerOf, exportAll, installCompilers } from "./types.ts"
import { clean, files, type Package, packages, root } from "./workspace.ts"

const step = async <A>(title: string | ((result: A) => string), work: () => Promise<A>): Promise<A> => {
  const began = performance.now()
  const result = await work()
  const text = typeof title === "string" ? title : title(result)
  console.log(`packages: ${text} (${((performance.now() - began) / 1000).toFixed(1)} s)`)
  return result
}

const readmeOf = ({ folder }: Package): string => `packages/${folder}/README.md`

const isBundled = (file: string): boolean => `dist/${file}`.startsWith(`${commandFolder}/`)

const isTestCode = (file: string): boolean => /(^|\/)(test|tests|fixtures|__tests__)\/|\.(test|spec)\./.test(file)

const checkDist = (pkg: Package): void => {
  const expected = new Set(
    files(path.join(pkg.path, "src"))
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) => outputsOf(`src/${file}`))
      .map((file) => file.slice("dist/".length))
  )
  const found = files(path.join(pkg.path, "dist"))
  none(
    found.filter((file) => !expected.has(file) && !isBundled(file)),
    `${pkg.manifest.name}: stale files in dist`
  )
  none(
    [...expected].filter((file) => !found.includes(file)),
    `${pkg.manifest.name}: missing files in dist`
  )
  none([...expected].filter(isTestCode), `${pkg.manifest.name}: test files in src`)
}

const closedSpecifier = (pkg: Package): string | undefined => {
  const file = files(path.join(pkg.path, "dist/internal")).find((name) => name.endsWith(".js"))
  return file === undefined ? undefined : `${pkg.manifest.name}/internal/${file.replace(/\.js$/, "")}`
}

/** The import of a subpath may fail if the subpath needs a package in `absentPeers`. */
const importAll = (
  folder: string,
  options: {
    readonly specifiers: ReadonlyArray<string>
    readonly closed?: ReadonlyArray<string>
    readonly absentPeers?: ReadonlyArray<string>
  }
) => {
  const script = `
    const { specifiers, closed = [], absentPeers = [] } = ${JSON.stringify(options)}
    const isSubpath = (specifier) => specifier.split("/").length > 2
    for (const specifier of specifiers) {
      await import(specifier).catch((error) => {
        const isAbsent = absentPeers.some((peer) => error.message.includes("'" + peer + "'"))
        if (!(isSubpath(specifier) && isAbsent && error.code === "ERR_MODULE_NOT_FOUND")) throw error
      })
    }
    for (const specifier of closed) {
      const code = await import(specifier).then(() => "imported", (error) => error.code)
      if (code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw new Error(specifier + " must not be importable, but the result was: " + code)
    }`
  return run(process.execPath, ["--input-type=module", "--eval", script], { cwd: folder })
}

const playExamples = async (folder: string): Promise<number> => {
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  for (const file of files(path.join(root, "examples")).filter((name) => !name.includes(".test."))) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    fs.copyFileSync(path.join(root, "examples", file), path.join(folder, file))
  }
  for (const file of ["preload.ts", "fiveLines.ts"]) {
    fs.copyFileSync(path.join(root, "tools/examples", file), path.join(folder, file))
  }
  const { played, problems } = await playScenarios({ folder, nodeArgs: [] })
  none(problems, "examples that failed")
  return played
}

const checkFiles = (pkg: Package, { paths }: Packed): void =>
  none(
    compareFiles(pkg, paths),
    `${pkg.manifest.name}: files that differ from tools/packages/files/${pkg.folder}.txt ` +
      "(- is missing, + is new; npm run pack-check -- --update-files writes the lists)"
  )

const main = async (only: string | undefined, update: boolean, temp: string): Promise<void> => {
  const all = packages().filter((pkg) => pkg.manifest.private !== true)
  const chosen = all.filter((pkg) => only === undefined || pkg.folder === only)
  assert(
    chosen.length > 0,
    only === undefined ? "There is no public package." : `There is no public package "${only}".`
  )

  if (only === undefined) {
    await step("built all packages, without files of earlier builds", async () => {
      clean()
      await runTool("typescript/bin/tsc", ["-b", ...all.map((pkg) => pkg.path)], { cwd: root })
    })
  }
  all.forEach(checkDist)
  if (!update) {
    all.forEach(checkPage)
    none(staleLists(packages()), "lists in tools/packages/files that belong to no package")
  }

  const tarballs = new Map<string, Packed>()
  for (const pkg of all) {
    const title = ({ bytes }: Packed) => `${pkg.manifest.name}: packed into ${Math.ceil(bytes / 1000)} kB`
    const packed = await step(title, () => pack(pkg, temp))
    tarballs.set(pkg.manifest.name, packed)
    if (!update) checkFiles(pkg, packed)
    else if (chosen.includes(pkg)) writeList(pkg, packed.paths)
  }
  if (update) return console.log(`packages: wrote ${chosen.length} lists to tools/packages/files`)
  const tarball = (pkg: Package): string => tarballs.get(pkg.manifest.name)?.tarball ?? ""

  for (const pkg of chosen) {
    await step(`${pkg.manifest.name}: checked by publint`, () =>
      runTool("publint/src/cli.js", ["run", "--strict", tarball(pkg)], { cwd: root })
    )
    await step(`${pkg.manifest.name}: checked by attw`, () =>
      runTool("@arethetypeswrong/cli/dist/index.js", ["--profile", "esm-only", "--no-emoji", tarball(pkg)], {
        cwd: root
      })
    )
  }

  const wanted = chosen.flatMap(specifiers)
  await step(`imported and type-checked ${wanted.length} exports from the tarballs`, async () => {
    const folder = emptyProject(temp, "tarballs")
    fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "empty", private: true }))
    // The examples and the programs of the READMEs need @effect/platform-node and redis. No package depends on
    // these two.
    const peers = [...new Set([...all.flatMap(optionalPeers), "@effect/platform-node", "redis"])].filter(
      (name) => !tarballs.has(name)
    )
    await runNpm(["install", "--silent", "--no-save", ...all.map(tarball), ...peers.map(fromRoot)], { cwd: folder })
    await importAll(folder, { specifiers: wanted, closed: chosen.flatMap((pkg) => closedSpecifier(pkg) ?? []) })
    await checkTypes(folder, compilerOf(path.join(root, "node_modules/typescript")), exportAll(wanted))
  })
  const programs = [...(only === undefined ? ["README.md"] : []), ...chosen.map(readmeOf)].flatMap(programsOf)
  await step(`ran ${programs.length} programs of the READMEs with the tarballs`, async () => {
    const brokers = all.filter(({ manifest: { exports } }) => "./msw" in exports).map(({ manifest }) => manifest.name)
    none(
      await runPrograms(emptyProject(path.join(temp, "tarballs"), "programs"), programs, brokers),
      "programs of the READMEs that failed"
    )
  })
  if (chosen.some(({ manifest }) => manifest.name === "@auth/cli")) {
    await step(
      (logins: number) => `logged in ${logins} times with the command, installed from the tarballs`,
      async () => {
        const tarballOf = (name: string) => tarballs.get(name)?.tarball ?? ""
        const { logins, problems } = await checkCommand({ folder: emptyProject(temp, "command"), tarball: tarballOf })
        none(problems, "problems of the installed command")
        return logins
      }
    )
  }
  if (chosen.some(({ manifest }) => manifest.name === "@auth/broker-core")) {
    await step(
      (commands: number) =>
        `made and tested a broker package outside of this repository, with ${commands} documented commands`,
      () =>
        checkOutside({
          folder: emptyProject(temp, "outside"),
          tarball: (name) => tarballs.get(name)?.tarball ?? ""
        })
    )
  }
  if (only === undefined) {
    await step(
      (played: number) => `started the examples ${played} times with the tarballs`,
      () => playExamples(emptyProject(path.join(temp, "tarballs"), "examples"))
    )
  }
  await step("type-checked the exports with TypeScript 5.9 and 6.0", async () => {
    for (const compiler of await installCompilers())
      await checkTypes(path.join(temp, "tarballs"), compiler, exportAll(wanted))
  })

  if (only !== undefined) return

  await step(
    "changed the scope in a copy of the repository, installed the tarballs of the copy as documented, and logged in",
    () => rehearse(emptyProject(temp, "rescope"))
  )

  await withRegistry(path.join(temp, "registry"), async ({ publish, url }) => {
    const npmrc = commandsOf(root, "docs/start.md", "ini npmrc").replace(/=.*/, `=${url}`)
    await step("published all packages to a registry on loopback", async () => {
      for (const pkg of all)
        await runNpm(["publish", "--silent", tarball(pkg)], {
          cwd: temp,
          env: publish
        })
    })
    const brokers = all.filter((pkg) => "@auth/broker-core" in (pkg.manifest.peerDependencies ?? {}))
    for (const pkg of brokers) {
      const { name } = pkg.manifest
      await step(`installed ${name} from the registry, and with it only core and effect`, async () => {
        const folder = emptyProject(temp, `install-${pkg.folder}`)
        fs.writeFileSync(path.join(folder, ".npmrc"), npmrc)
        await runNpm(["install", "--silent", name], { cwd: folder })
        const found = installed(folder)
        const expected = [name, "@auth/broker-core", "effect"].toSorted()
        assert(
          found.join() === expected.join(),
          `Installed ${found.join(", ")} for ${name}, but expected ${expected.join(", ")}`
        )
        const reachable = all.filter((other) => found.includes(other.manifest.name))
        await importAll(folder, {
          specifiers: reachable.flatMap(specifiers),
          absentPeers: reachable.flatMap(optionalPeers)
        })
      })
    }
  })
}

const usage = `Usage: npm run pack-check -- [option …] [package]

Checks every public package as it will be published, after a clean build. With the name of a package, such as angel, it
uses the existing build, and does most checks only for this package.

Options:
  --update-files  packs the packages, writes the lists of packed files to tools/packages/files, and ends
  --help          prints this text`

const parse = () => {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { help: { type: "boolean", default: false }, "update-files": { type: "boolean", default: false } }
    })
    return positionals.length > 1 ? "Give the name of at most one package." : { only: positionals[0], ...values }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const parsed = parse()
if (typeof parsed === "string") {
  console.error(`${parsed}\n\n${usage}`)
  process.exit(2)
}
if (parsed.help) {
  console.log(usage)
  process.exit(0)
}

await runInFolder("packages", async (temp) => {
  await main(parsed.only, parsed["update-files"], temp)
  return 0
})
