/** The first module that this package loads. On an unsupported Node, the import fails with a one-line error. */
import process from "node:process"

const needed = [22, 19] as const

export const versionProblem = (version: string): string | undefined => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return major > needed[0] || (major === needed[0] && minor >= needed[1])
    ? undefined
    : `@auth/node needs Node ${needed.join(".")} or newer, and this is Node ${version}. Install a newer Node, or use Vault.layerMemory of @auth/broker-core, which stores nothing on disk.`
}

const refuse = (problem: string): never => {
  const error = new Error(problem)
  // The stack trace would only show where this package is installed.
  error.stack = `Error: ${problem}`
  throw error
}

const problem = versionProblem(process.versions.node)

export const nodeVersion: string = problem === undefined ? process.versions.node : refuse(problem)
