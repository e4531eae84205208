/**
 * Prints the names of randomly chosen files. `node tools/house/sample.ts 2711 10` prints ten names for the seed 2711.
 */
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"

const [seed = "1", count = "10"] = process.argv.slice(2)
const files = execFileSync(
  "git",
  ["ls-files", "packages", "tools", "docs", "examples", "README.md", "CONTRIBUTING.md"],
  {
    encoding: "utf8"
  }
)
  .split("\n")
  .filter((file) => /\.(?:ts|md)$/.test(file) && !file.includes("/internal/registry.ts"))
const orderOf = (file: string) => createHash("sha256").update(`${seed} ${file}`).digest("hex")
const chosen = files.toSorted((left, right) => orderOf(left).localeCompare(orderOf(right))).slice(0, Number(count))
console.log(chosen.join("\n"))
