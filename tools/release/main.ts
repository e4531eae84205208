/** `npm run release`: publishes each package whose version the registry does not have. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { runInFolder, runNpm, runTool } from "../packages/process.ts"
import { pack } from "../packages/tarballs.ts"
import { clean, root } from "../packages/workspace.ts"
import { hasProvenance, isLogin } from "./idTokens.ts"
import { namesIn, type Plan, tarballFolder, writePlan } from "./plan.ts"
import { published, refusals } from "./refusals.ts"

const usage = `Usage: npm run release -- [option …]

Publishes each package whose version the registry does not have. Before that, it checks the repository, and makes a
clean build. It publishes nothing if a file is not committed, if a changeset has not been applied yet, if a changelog
has no entry for the version of its package, or if npm is not logged in.

Options:
  --dry-run        prints what would be published, and publishes nothing; needs no login
  --pack <folder>  writes the tarballs to this folder for the command changeset publish --from-pack-dir, and publishes
                   nothing; needs no login
  --no-git-tag     makes no git tags; by default, each published package gets a tag such as @auth/angel@0.1.0
  --no-provenance  publishes without provenance
  --help           prints this text

In a CI job that has an id token for npm, npm uses this token as its login. Otherwise, run npm login first, or set the
token of the registry in your npmrc. In a job of GitHub Actions or GitLab that has an id token for provenance, npm
publishes with provenance: a signed statement that names the commit and the job.`

/** In milliseconds. `publish` is for all packages together. */
const limits = { query: 60_000, build: 600_000, publish: 900_000 }

const registryOf = async (name: string): Promise<string> => {
  const config = async (key: string) =>
    (await runNpm(["config", "get", key, "--loglevel=error"], { cwd: os.tmpdir(), limit: limits.query })).trim()
  const own = await config(`${name.split("/")[0]}:registry`)
  return own === "undefined" ? config("registry") : own
}

const whoami = async (): Promise<string> => {
  if (isLogin(process.env)) return "the CI job"
  const registry = await registryOf(published(root)[0]?.manifest.name ?? "")
  return runNpm(["whoami", "--registry", registry], { cwd: os.tmpdir(), limit: limits.query }).catch(() => {
    throw new Error(
      `npm is not logged in to ${registry}. Run npm login --registry ${registry}, or set a token in your npmrc.`
    )
  })
}

/**
 * Removes the folders `node_modules/.bin` from `PATH`, so that npm runs with the machine's Node. With the Node in
 * `node_modules`, npm reads another global npmrc, and does not use the machine's certificates.
 */
const environment = (): Readonly<Record<string, string>> => ({
  PATH: (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .filter((folder) => !folder.endsWith(path.join("node_modules", ".bin")))
    .join(path.delimiter)
})

const changeset = (args: ReadonlyArray<string>, options: Omit<Parameters<typeof runTool>[2], "cwd">): Promise<string> =>
  runTool("@changesets/cli/bin.js", args, { cwd: root, ...options })

/** The plan contains the packages whose version the registry does not have, and packages that only get a git tag. */
const readPlan = async (temp: string): Promise<Plan> => {
  const file = path.join(temp, "plan.json")
  await changeset(["publish-plan", "--output", file], { env: environment(), limit: limits.query })
  return JSON.parse(fs.readFileSync(file, "utf8")) as Plan
}

const parse = () => {
  try {
    return parseArgs({
      allowNegative: true,
      options: {
        "dry-run": { type: "boolean", default: false },
        "git-tag": { type: "boolean", default: true },
        pack: { type: "string" },
        provenance: { type: "boolean", default: true },
        help: { type: "boolean", short: "h", default: false }
      }
    }).values
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const main = async (temp: string): Promise<number> => {
  const options = parse()
  if (typeof options === "string") {
    console.error(`release: ${options}\n\n${usage}`)
    return 2
  }
  if (options.help) {
    console.log(usage)
    return 0
  }
  const isDry = options["dry-run"] || options.pack !== undefined
  const problems = await refusals(root, isDry ? async () => "" : whoami)
  for (const problem of problems) console.error(`release: ${problem}`)
  if (problems.length > 0) {
    console.error("release: nothing was published")
    return 1
  }
  const plan = await readPlan(temp)
  const names = namesIn(plan)
  const chosen = published(root).filter(({ manifest }) => names.includes(manifest.name))
  // With --pack, a plan is written even if it is empty, because the CI job that publishes reads the plan.
  if (chosen.length === 0 && options.pack === undefined) {
    console.log("release: nothing to publish, because the registry has the current version of every package")
    return 0
  }
  console.log("release: making a clean build")
  clean()
  const projects = published(root).map((pkg) => pkg.path)
  await runTool("typescript/bin/tsc", ["-b", ...projects], { cwd: root, limit: limits.build })
  const packed = path.resolve(options.pack ?? path.join(temp, "packed"))
  const tarballs = new Map<string, string>()
  fs.mkdirSync(path.join(packed, tarballFolder), { recursive: true })
  for (const pkg of chosen) {
    const { bytes, tarball } = await pack(pkg, path.join(packed, tarballFolder))
    const { name, version } = pkg.manifest
    tarballs.set(name, tarball)
    console.log(`release: ${isDry ? "would publish" : "publishing"} ${name} ${version} (${Math.ceil(bytes / 1000)} kB)`)
  }
  writePlan(packed, plan, tarballs)
  if (isDry) {
    console.log(`release: nothing was published, because of ${options.pack === undefined ? "--dry-run" : "--pack"}`)
    return 0
  }
  const provenance = options.provenance && hasProvenance(process.env)
  // With the terminal of this process, npm can ask for the user's second factor.
  const terminal = { inherit: true, input: true } as const
  // Without this setting, npm decides itself whether to publish with provenance.
  const env = { ...environment(), npm_config_provenance: String(provenance) }
  await changeset(["publish", "--from-pack-dir", packed, ...(options["git-tag"] ? [] : ["--no-git-tag"])], {
    ...terminal,
    env,
    limit: limits.publish
  })
  const count = chosen.length === 1 ? "1 package" : `${chosen.length} packages`
  console.log(`release: published ${count}${provenance ? " with provenance" : ""}`)
  if (options["git-tag"]) console.log("release: run git push --follow-tags to publish the git tags")
  return 0
}

await runInFolder("release", main)
