/** Prints the number of source lines of each broker, without its fake: `node tools/house/lines.ts`. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const packages = join(dirname(fileURLToPath(import.meta.url)), "../../packages")

const linesOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/(?:^|[/\\])Fake/.test(file))
    .reduce((sum, file) => sum + readFileSync(join(folder, file), "utf8").split("\n").length - 1, 0)

const brokers = Object.keys(JSON.parse(readFileSync(join(packages, "brokers.json"), "utf8")) as object)

export const counts = brokers.map((name) => [name, linesOf(join(packages, name, "src"))] as const)

if (import.meta.main) {
  const all = counts.reduce((sum, [, lines]) => sum + lines, 0)
  for (const [name, lines] of [...counts, ["all", all] as const])
    console.log(`${name.padEnd(10)} ${String(lines).padStart(6)}`)
}
