/** Formats changelogs for the tool Changesets. An entry is the text of the changeset, without a commit hash. */

interface Changeset {
  readonly summary: string
}

interface Dependency {
  readonly name: string
  readonly newVersion: string
}

const item = (text: string): string => `- ${text.trim().replaceAll("\n", "\n  ").replaceAll(/^ +$/gm, "")}`

export const getReleaseLine = async ({ summary }: Changeset): Promise<string> => item(summary)

/** `dependencies` get a new version in the same release. */
export const getDependencyReleaseLine = async (
  _: ReadonlyArray<Changeset>,
  dependencies: ReadonlyArray<Dependency>
): Promise<string> =>
  dependencies.length === 0
    ? ""
    : item(`Needs ${dependencies.map(({ name, newVersion }) => `\`${name}\` ${newVersion} or newer`).join(", ")}.`)

export default { getReleaseLine, getDependencyReleaseLine }
