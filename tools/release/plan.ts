/** The plan of a release. `changeset publish --from-pack-dir` publishes the tarballs that the plan names. */
import { hash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"

interface Release {
  /** `publish`, or `tag-only` for a package that gets a Git tag but is not published. */
  readonly kind: string
  readonly name: string
  readonly version: string
}

/** Each group of releases is published before the next group. */
export interface Plan {
  readonly version: number
  readonly plan: ReadonlyArray<ReadonlyArray<Release>>
}

/** The folder of the tarballs, below the folder of the plan. */
export const tarballFolder = "packages"

export const namesIn = ({ plan }: Plan): ReadonlyArray<string> =>
  plan.flat().flatMap(({ kind, name }) => (kind === "publish" ? name : []))

/** `tarballs`: the path of each tarball, by the name of its package. */
export const writePlan = (folder: string, plan: Plan, tarballs: ReadonlyMap<string, string>): void => {
  const withTarball = (release: Release) => {
    if (release.kind !== "publish") return release
    const file = tarballs.get(release.name)
    if (file === undefined) throw new Error(`${release.name} was not packed.`)
    const integrity = `sha256-${hash("sha256", fs.readFileSync(file), "base64")}`
    return { ...release, tarball: { path: path.posix.join(tarballFolder, path.basename(file)), integrity } }
  }
  const packed = { ...plan, plan: plan.plan.map((group) => group.map(withTarball)) }
  fs.writeFileSync(path.join(folder, "publish-plan.json"), JSON.stringify(packed, null, 2))
}
