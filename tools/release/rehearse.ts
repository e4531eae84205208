/**
 * `npm run release:rehearse`: releases the packages several times from a copy of the repository to a registry on
 * loopback. Installs and uses the released packages as a user does.
 */
import type { Endpoint } from "@auth/broker-core/broker/Endpoint"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { parseArgs } from "node:util"
import type { Way } from "../../packages/cli/test/ways.ts"
import { loadBroker } from "../../packages/cli/src/internal/brokers.ts"
import { stopPeers } from "../interop/peer.ts"
import { type Simulator, startSimulator } from "../interop/simulator.ts"
import { copyRepository } from "../packages/copy.ts"
import { run, runNpm, stopAll } from "../packages/process.ts"
import { compareFiles } from "../packages/fileList.ts"
import { programsOf, runPrograms } from "../packages/programs.ts"
import { type Registry, withRegistry } from "../packages/registry.ts"
import { assert, emptyProject, fromRoot, installed, none, optionalPeers } from "../packages/tarballs.ts"
import { files, type Package } from "../packages/workspace.ts"
import { outputOf } from "../runtimes/child.ts"
import { copyPrograms, firstWays, installedVersion, layerOf, loginProgram } from "../runtimes/project.ts"
import { playLogin } from "../runtimes/world.ts"
import { accepts, compare, dependenciesOf, lowestOf, rangeOf, versionsOf } from "./ranges.ts"
import { published, unversioned } from "./refusals.ts"
import { Ended, makeSteps, tableOf } from "./steps.ts"

const usage = `Usage: npm run release:rehearse -- [option …]

Copies the repository with its current files, starts a registry on 127.0.0.1, and rehearses four releases there:
  1. the release of all changesets; each package is installed alone, and the programs of its README are run
     with the fakes; the first program in each broker's README is also run against the installed simulator
  2. a minor version of core; no other package changes; each broker's package logs in with the lowest and
     with the newest core that it accepts
  3. a patch of one broker; the patch needs the new core, and npm refuses it with the old core
  4. a major version of core, and a patch of every package that needs core; npm refuses the new core with the
     brokers' packages of release 1

The rehearsal changes nothing in the repository, and publishes only to the registry on 127.0.0.1. It prints one row
for each step, and fails if a step failed. Packages of other projects come from the usual registry.

Options:
  --keep  keeps the temporary folder, and prints its path
  --help  prints this text`

/** Time limits in milliseconds. */
const limits = { git: 60_000, version: 300_000, release: 900_000, install: 180_000, login: 120_000 }

const core = "@auth/broker-core"
const patched = "@auth/angel"
const simulatorName = "@auth/simulator"

type Versions = Readonly<Record<string, string>>

const isBroker = ({ manifest }: Package): boolean => "./msw" in manifest.exports

/**
 * Makes a `Way` for a broker that `firstWays` does not list. Uses the first login method, and assumes that the first
 * endpoint without a token is the login.
 */
const plainWayOf = async (id: string): Promise<Way> => {
  const { methods } = await Effect.runPromise(loadBroker(id))
  const [method] = methods
  assert(method !== undefined && method.capabilities.includes("Login"), `There is no way to log in at ${id}.`)
  const values: Way["values"] = (account) =>
    Object.fromEntries(Object.entries(method.credentials).map(([field, { env }]) => [env, account[field]]))
  const file = new URL(`../../packages/${id}/src/internal/endpoints.ts`, import.meta.url)
  const { table } = (await import(file.href)) as { readonly table: Readonly<Record<string, Endpoint>> }
  const login = Object.values(table).find(({ token }) => token === "none")?.name ?? ""
  return { broker: id as Way["broker"], method: method.id, login, values }
}

const wayOf = async (broker: string): Promise<Way> => {
  const id = broker.slice(broker.indexOf("/") + 1)
  return firstWays.find((one) => one.broker === id) ?? (await plainWayOf(id))
}

/** Returns the names of a package and of our other packages that npm installs with it. */
const closure = (pkg: Package, all: ReadonlyArray<Package>): ReadonlyArray<string> => {
  const found = new Set([pkg.manifest.name])
  for (const name of found) {
    const manifest = all.find((other) => other.manifest.name === name)?.manifest
    for (const needed of manifest === undefined ? [] : dependenciesOf(manifest, versionsOf(all))) {
      if (manifest?.peerDependenciesMeta?.[needed.name]?.optional !== true) found.add(needed.name)
    }
  }
  return [...found].toSorted()
}

const expectEqual = (found: unknown, expected: unknown, what: string): void => {
  const texts = [found, expected].map((value) => JSON.stringify(value, undefined, 1))
  assert(texts[0] === texts[1], `${what}: found ${texts[0]}, but expected ${texts[1]}`)
}

const makeCopy = async (folder: string) => {
  copyRepository(folder)
  const names = { GIT_CONFIG_GLOBAL: os.devNull, GIT_CONFIG_SYSTEM: os.devNull }
  const user = ["-c", "user.name=rehearsal", "-c", "user.email=rehearsal@example.com"]
  const git = (...args: ReadonlyArray<string>) =>
    run("git", [...user, ...args], { cwd: folder, env: names, limit: limits.git })
  const commit = async (message: string) => {
    await git("add", "--all")
    await git("commit", "--quiet", "--message", message)
  }
  await git("init", "--quiet")
  await commit("copy")
  const tool = (file: string, args: ReadonlyArray<string>, limit: number, env: Readonly<Record<string, string>> = {}) =>
    run(process.execPath, ["--conditions=@auth/source", path.join("tools", file), ...args], { cwd: folder, env, limit })
  return {
    folder,
    commit,
    all: () => published(folder),
    versions: (): Versions => versionsOf(published(folder)),
    write: (file: string, text: string) => fs.writeFileSync(path.join(folder, file), text),
    append: (file: string, text: string) => fs.appendFileSync(path.join(folder, file), text),
    version: () => tool("release/version.ts", [], limits.version),
    release: (env: Readonly<Record<string, string>>) => tool("release/main.ts", ["--no-git-tag"], limits.release, env),
    checkTables: () => tool("docs/tables.ts", [], limits.version)
  }
}

type Copy = Awaited<ReturnType<typeof makeCopy>>

const refused = async (work: () => Promise<unknown>, expected: RegExp): Promise<void> => {
  const message = await work().then(
    () => "The command succeeded.",
    (error: unknown) => (error instanceof Error ? error.message : String(error))
  )
  assert(expected.test(message), `expected an error that matches ${expected}, but found: ${message}`)
}

const rehearse = async (temp: string, print: (line: string) => void, interrupted: AbortSignal): Promise<boolean> => {
  const { done, need, step } = makeSteps(print, interrupted)

  /** Published versions, oldest first, by package name. */
  const history = new Map<string, ReadonlyArray<string>>()
  /** Published manifests, by `name@version`. */
  const manifests = new Map<string, Package["manifest"]>()

  let folders = 0
  const project = () => emptyProject(temp, `project-${++folders}`)

  const install = (registry: Registry, folder: string, names: ReadonlyArray<string>) =>
    runNpm(["install", "--no-audit", "--no-fund", "--loglevel=error", ...names], {
      cwd: folder,
      env: registry.install,
      limit: limits.install
    })

  const expectVersions = (folder: string, versions: Versions) => {
    const found = Object.fromEntries(Object.keys(versions).map((name) => [name, installedVersion(folder, name)]))
    expectEqual(found, versions, "installed versions")
  }

  const version = async (copy: Copy, expected?: Versions) => {
    const before = copy.versions()
    await copy.version()
    const after = copy.versions()
    const changed = Object.fromEntries(Object.entries(after).filter(([name, now]) => before[name] !== now))
    if (expected !== undefined) expectEqual(changed, expected, "packages with a new version")
    expectEqual(unversioned(copy.folder), [], "changesets that have not been applied")
    for (const { folder, manifest } of copy.all()) {
      const needs = dependenciesOf(manifest, after)
      const isNew = Object.hasOwn(changed, manifest.name)
      for (const { name, range } of needs) {
        const now = after[name] ?? ""
        assert(accepts(range, now), `${manifest.name} does not accept ${name} ${now}: ${range}`)
        assert(
          !isNew || range === rangeOf(now),
          `${manifest.name} was released with ${name} ${now}, but accepts ${range}`
        )
      }
      const locked = JSON.parse(fs.readFileSync(path.join(copy.folder, "package-lock.json"), "utf8")) as {
        readonly packages: Readonly<Record<string, Pick<Package["manifest"], "version" | "peerDependencies">>>
      }
      const entry = locked.packages[`packages/${folder}`]
      expectEqual(entry?.version, manifest.version, `${manifest.name} in the lockfile`)
      expectEqual(entry?.peerDependencies, manifest.peerDependencies, `peers of ${manifest.name} in the lockfile`)
    }
    await copy.checkTables()
    await copy.commit("version")
  }

  const publish = async (copy: Copy, registry: Registry, expected: Versions) => {
    await copy.release(registry.publish)
    for (const { manifest } of copy.all()) {
      const { name } = manifest
      const now = expected[name]
      if (now !== undefined) {
        history.set(name, [...(history.get(name) ?? []), now])
        manifests.set(`${name}@${now}`, manifest)
      }
      const answer = await fetch(`${registry.url}${name.replace("/", "%2f")}`)
      const { versions = {} } = (await answer.json()) as { readonly versions?: Readonly<Record<string, object>> }
      expectEqual(Object.keys(versions).toSorted(compare), history.get(name) ?? [], `published versions of ${name}`)
    }
  }

  const installAlone = async (registry: Registry, pkg: Package, all: ReadonlyArray<Package>): Promise<string> => {
    const { name, version: now } = pkg.manifest
    const folder = project()
    await install(registry, folder, [`${name}@${now}`])
    const ours = closure(pkg, all)
    const versions = versionsOf(all)
    expectVersions(folder, Object.fromEntries(ours.map((one) => [one, versions[one] ?? ""])))
    const isOurs = (one: string) => Object.hasOwn(versions, one)
    const found = installed(folder)
    // If msw is installed, npm also installs its many dependencies, so only our packages are compared.
    const isPlain = !ours.some((one) =>
      all.some(({ manifest }) => manifest.name === one && "msw" in (manifest.dependencies ?? {}))
    )
    expectEqual(
      isPlain ? found : found.filter(isOurs),
      isPlain ? [...ours, "effect"].toSorted() : ours,
      "installed packages"
    )
    const own = path.join(folder, "node_modules", name)
    none(compareFiles(pkg, files(own)), `${name}: installed files that differ from tools/packages/files`)
    const changelog = fs.readFileSync(path.join(own, "CHANGELOG.md"), "utf8")
    assert(changelog.includes(`\n## ${now}\n`), `The packed CHANGELOG.md has no entry for ${now}:\n${changelog}`)
    for (const command of Object.keys(pkg.manifest.bin ?? {})) {
      const printed = await outputOf(path.join("node_modules/.bin", command), ["--help"], {
        cwd: folder,
        limit: limits.login
      })
      assert(printed.includes(command), `${command} --help printed: ${printed}`)
    }
    return folder
  }

  const runReadme = async (registry: Registry, pkg: Package, all: ReadonlyArray<Package>, folder: string) => {
    const file = path.join(folder, "node_modules", pkg.manifest.name, "README.md")
    const programs = programsOf(file)
    assert(programs.length > 0, `${file} has no program`)
    const versions = versionsOf(all)
    const imported = programs.flatMap(({ code }) =>
      Array.from(code.matchAll(/from "((?:@[^/"]+\/)?[^/"]+)/g), ([, name = ""]) => name)
    )
    const needed = new Set(
      [...imported, ...optionalPeers(pkg), "effect", "msw"].filter((name) => !name.startsWith("node:"))
    )
    const spec = (name: string) => (Object.hasOwn(versions, name) ? `${name}@${versions[name]}` : fromRoot(name))
    await install(registry, folder, [...needed].map(spec))
    const present = installed(folder).filter((name) => Object.hasOwn(versions, name))
    expectVersions(folder, Object.fromEntries(present.map((name) => [name, versions[name] ?? ""])))
    const brokers = all.filter(isBroker).map(({ manifest }) => manifest.name)
    none(await runPrograms(emptyProject(folder, "programs"), programs, brokers), "programs that failed")
  }

  const runAtSimulator = async (simulator: Simulator, folder: string, way: Way) => {
    await simulator.reset()
    fs.copyFileSync(path.join(copy.folder, "tools/examples/preload.ts"), path.join(folder, "simulated.ts"))
    const printed = await outputOf(process.execPath, ["--import", "./simulated.ts", "./program0.ts"], {
      cwd: folder,
      env: { EXAMPLES_ORIGINS: JSON.stringify(simulator.origins) },
      limit: limits.login
    })
    // The program of a browser login sends no request.
    if (way.page !== undefined)
      return assert(printed.includes("sends the browser back"), `The program printed: ${printed}`)
    assert(printed.includes("Logged in until"), `The program printed: ${printed}`)
    // The program can use another login method than `way.method`, so only the statuses are checked.
    const requests = (await simulator.journal()).map(({ endpoint, status }) => `${endpoint}: ${status}`)
    assert(requests.length > 0, "The simulator received no request.")
    none(
      requests.filter((request) => !request.endsWith(": 200")),
      "requests that were refused"
    )
  }

  const logIn = async (registry: Registry, broker: string, versions: Versions, names: ReadonlyArray<string>) => {
    const folder = project()
    await install(registry, folder, names)
    expectVersions(folder, versions)
    const way = await wayOf(broker)
    const layer = await layerOf(way)
    fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
    copyPrograms(folder)
    fs.writeFileSync(path.join(folder, "program.js"), loginProgram(way, layer, [layer]))
    await playLogin(way, async (job) => {
      const args = ["process.ts", "./program.js"]
      const printed = await outputOf(process.execPath, args, {
        cwd: folder,
        input: JSON.stringify(job),
        limit: limits.login
      })
      expectEqual(printed.trim(), "1", "output of the program")
    })
  }

  const newest = (name: string): string => history.get(name)?.at(-1) ?? ""

  const acceptedCores = (name: string, version: string) => {
    const range = manifests.get(`${name}@${version}`)?.peerDependencies?.[core] ?? ""
    const cores = (history.get(core) ?? []).filter((one) => accepts(range, one))
    // The registry has only the versions that this rehearsal has published, so `lowest` may be missing.
    const lowest = lowestOf(range)
    if (history.get(core)?.includes(lowest)) expectEqual(cores[0], lowest, `the lowest core that ${name} accepts`)
    assert(cores.length > 0, `${name} ${version} accepts no published core: ${range}`)
    return cores
  }

  const refusesCore = (registry: Registry, name: string, version: string, other: string) =>
    refused(() => install(registry, project(), [`${name}@${version}`, `${core}@${other}`]), /ERESOLVE/)

  let made: Copy | undefined
  await need("copy the repository", async () => {
    made = await makeCopy(path.join(temp, "repository"))
    for (const { folder, manifest } of made.all()) {
      const own = (manifest as { readonly publishConfig?: object }).publishConfig ?? {}
      const registries = Object.keys(own).filter((key) => key.endsWith("registry"))
      none(registries, `packages/${folder} names a registry, so the rehearsal could publish there`)
    }
  })
  if (made === undefined) return false
  const copy: Copy = made

  await withRegistry(path.join(temp, "registry"), async (registry) => {
    const all = () => copy.all()
    const brokers = () => all().filter(isBroker)

    // 1. All packages
    if (unversioned(copy.folder).length > 0) {
      await step("1: npm run release refuses changesets that have not been applied", () =>
        refused(() => copy.release(registry.publish), /changesets have not been applied[\s\S]*nothing was published/)
      )
      await need("1: npm run release:version", () => version(copy))
    }
    await step("1: npm run release refuses to publish without a login", () => {
      const env = { ...registry.publish }
      for (const name of Object.keys(env)) if (name.endsWith(":_authToken")) env[name] = ""
      return refused(() => copy.release(env), /npm is not logged in[\s\S]*nothing was published/)
    })
    await need("1: npm run release publishes all packages", () => publish(copy, registry, copy.versions()))
    const folders = new Map<string, string>()
    const folderOf = (name: string): string => {
      const folder = folders.get(name)
      assert(folder !== undefined, `${name} is not installed.`)
      return folder
    }
    for (const pkg of all()) {
      const { name, version: now } = pkg.manifest
      await step(`1: npm install ${name} installs ${now}`, async () => {
        folders.set(name, await installAlone(registry, pkg, all()))
      })
      await step(`1: the programs in the README of ${name}`, () => runReadme(registry, pkg, all(), folderOf(name)))
    }
    let simulator: Simulator | undefined
    await step("1: the installed simulator starts", async () => {
      simulator = await startSimulator([
        path.join(folderOf(simulatorName), "node_modules", simulatorName, "dist/bin.js")
      ])
    })
    for (const { manifest } of brokers()) {
      await step(
        `1: the first program in the README of ${manifest.name}, against the installed simulator`,
        async () => {
          assert(simulator !== undefined, "The simulator did not start.")
          return runAtSimulator(simulator, path.join(folderOf(manifest.name), "programs"), await wayOf(manifest.name))
        }
      )
    }
    await simulator?.stop()
    const first = copy.versions()
    const firstOf = (name: string): string => first[name] ?? ""
    const bump = (name: string, part: 0 | 1 | 2): string =>
      (copy.versions()[name] ?? "")
        .split(".")
        .map((number, index) => (index < part ? number : index === part ? Number(number) + 1 : 0))
        .join(".")
    const changeset = (name: string, kind: string, text: string) =>
      copy.write(".changeset/rehearsal.md", `---\n"${name}": ${kind}\n---\n\n${text}\n`)

    // 2. A minor version of core
    const second = { [core]: bump(core, 1) }
    await need(`2: npm run release:version gives core ${second[core]}, and changes no other package`, async () => {
      copy.write("packages/core/src/Rehearsal.ts", `export const added = "added by the rehearsal"\n`)
      changeset(core, "minor", "A module that the rehearsal adds.")
      await version(copy, second)
    })
    await need("2: npm run release publishes core only", () => publish(copy, registry, second))
    for (const { manifest } of brokers()) {
      const { name } = manifest
      const now = firstOf(name)
      await step(`2: ${name} ${now} logs in with the lowest core of ${manifest.peerDependencies?.[core]}`, () => {
        const [lowest = ""] = acceptedCores(name, now)
        return logIn(registry, name, { [name]: now, [core]: lowest }, [`${name}@${now}`, `${core}@${lowest}`])
      })
      await step(`2: ${name} ${now} logs in with the newest core, which npm chooses`, () => {
        const cores = acceptedCores(name, now)
        expectEqual(cores.at(-1), second[core], "the newest core")
        return logIn(registry, name, { [name]: now, [core]: cores.at(-1) ?? "" }, [name])
      })
    }

    // 3. A patch of one broker. The patch needs the new core.
    const third = { [patched]: bump(patched, 2) }
    await need(
      `3: npm run release:version gives ${patched} ${third[patched]}, and changes no other package`,
      async () => {
        copy.append("packages/angel/src/AngelAuth.ts", `\nexport { added } from "${core}/Rehearsal"\n`)
        changeset(patched, "patch", "A change that needs the module.")
        await version(copy, third)
      }
    )
    await need(`3: npm run release publishes ${patched} only`, () => publish(copy, registry, third))
    const now = newest(patched)
    await step(`3: ${patched} ${now} logs in with the only core that it accepts`, () => {
      expectEqual(acceptedCores(patched, now), [newest(core)], "accepted versions of core")
      return logIn(registry, patched, { [patched]: now, [core]: newest(core) }, [patched])
    })
    await step(`3: npm refuses ${patched} ${now} with core ${firstOf(core)}`, () =>
      refusesCore(registry, patched, now, firstOf(core))
    )
    await step(`3: ${patched} ${firstOf(patched)} logs in with core ${firstOf(core)}`, () =>
      logIn(registry, patched, { [patched]: firstOf(patched), [core]: firstOf(core) }, [
        `${patched}@${firstOf(patched)}`,
        `${core}@${firstOf(core)}`
      ])
    )

    // 4. A major version of core
    const dependents = all().filter(({ manifest }) => dependenciesOf(manifest, first).some(({ name }) => name === core))
    const fourth = Object.fromEntries(
      all().flatMap(({ manifest }) => {
        if (manifest.name === core) return [[core, bump(core, 0)]]
        return dependents.some((pkg) => pkg.manifest.name === manifest.name)
          ? [[manifest.name, bump(manifest.name, 2)]]
          : []
      })
    )
    await need(
      `4: npm run release:version gives core ${fourth[core]}, and a patch version to each package that needs core`,
      async () => {
        changeset(core, "major", "A change that breaks brokers.")
        await version(copy, fourth)
      }
    )
    await need("4: npm run release publishes core and the packages that need core", () =>
      publish(copy, registry, fourth)
    )
    for (const { manifest } of brokers()) {
      const { name } = manifest
      await step(`4: npm refuses ${name} ${firstOf(name)} with core ${fourth[core]}`, () =>
        refusesCore(registry, name, firstOf(name), fourth[core] ?? "")
      )
    }
    await step(`4: ${patched} ${newest(patched)} logs in with core ${fourth[core]}`, () =>
      logIn(registry, patched, { [patched]: newest(patched), [core]: newest(core) }, [patched])
    )
  }).catch((error: unknown) => {
    if (!(error instanceof Ended)) return step("the rehearsal itself", () => Promise.reject(error))
    print(error.message)
    return undefined
  })
  print(`\n${tableOf(done())}`)
  return done().every(({ problem }) => problem === undefined)
}

const parse = () => {
  try {
    const { values } = parseArgs({
      options: { keep: { type: "boolean", default: false }, help: { type: "boolean", short: "h", default: false } }
    })
    return values
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const options = parse()
if (typeof options === "string" || options.help) {
  if (typeof options === "string") console.error(`rehearsal: ${options}\n`)
  console.log(usage)
  process.exit(typeof options === "string" ? 2 : 0)
}

const temp = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "broker-auth-rehearsal-"))
const interruption = new AbortController()
const end = async (code: number): Promise<void> => {
  if (interruption.signal.aborted) return
  interruption.abort()
  await Promise.all([stopAll(), stopPeers()])
  if (options.keep) console.log(`rehearsal: the files are in ${temp}`)
  // Children of a stopped process can still write for a short time, so the removal is repeated if it fails.
  else fs.rmSync(temp, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  process.exit(code)
}
process.once("SIGINT", () => void end(130))
process.once("SIGTERM", () => void end(143))

await rehearse(temp, (line) => console.log(`rehearsal: ${line}`), interruption.signal).then(
  (isGood) => end(isGood ? 0 : 1),
  (error: unknown) => {
    console.error(`rehearsal: ${error instanceof Error ? error.message : String(error)}`)
    return end(1)
  }
)
