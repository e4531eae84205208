/** Reads, for each broker, the documented calls, the fixtures and the names of the source files. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { listed } from "../docs/wiring.ts"
import { root } from "../packages/workspace.ts"

export { root }

interface Documentation {
  /** Title or address of the broker's document. */
  readonly source: string
  readonly asOf: string
  /** Method and path of every call that `source` documents and the package supports. */
  readonly calls: ReadonlyArray<string>
}

export interface Documented extends Documentation {
  readonly folder: string
  /** The prefix of the package's module names. */
  readonly name: string
}

const readFixtures = ({ folder }: Pick<Documented, "folder">, file: string): unknown =>
  JSON.parse(readFileSync(join(root, "packages", folder, "test/fixtures", file), "utf8"))

export const documented: ReadonlyArray<Documented> = listed().map(({ id: folder, name }) => ({
  folder,
  name,
  ...(readFixtures({ folder }, "documented.json") as Documentation)
}))

export interface RequestFixture {
  readonly endpoint: string
  readonly method: string
  readonly url: string
}

export interface AnswerFixture {
  readonly endpoint: string
  readonly expect: object
}

export const requestFixtures = (broker: Documented) =>
  readFixtures(broker, "requests.json") as ReadonlyArray<RequestFixture>

export const answerFixtures = (broker: Documented) =>
  readFixtures(broker, "success.json") as ReadonlyArray<AnswerFixture>

export const sources = ({ folder, name }: Documented): ReadonlyArray<string> => {
  const path = join(root, "packages", folder, "src")
  return (existsSync(path) ? readdirSync(path, { recursive: true }) : [])
    .map((file) => String(file).replace(name, "Broker"))
    .filter((file) => file.endsWith(".ts"))
    .toSorted()
}
