/** The first module that this package loads. On a Node that is too old it ends the import with one sentence. */
import process from "node:process"

const needed = [22, 19] as const

/** What is wrong with this version of Node; `undefined` if nothing is. */
export const versionProblem = (version: string): string | undefined => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return major > needed[0] || (major === needed[0] && minor >= needed[1])
    ? undefined
    : `@auth/node needs Node ${needed.join(".")} or newer, and this is Node ${version}. Install a newer Node, or use Vault.layerMemory of @auth/broker-core, which keeps nothing.`
}

const refuse = (problem: string): never => {
  const error = new Error(problem)
  // The stack would show where this package is installed, and nothing that helps.
  error.stack = `Error: ${problem}`
  throw error
}

const problem = versionProblem(process.versions.node)

/** Version of the Node that runs this program. */
export const nodeVersion: string = problem === undefined ? process.versions.node : refuse(problem)
