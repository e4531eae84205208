import { spawnSync } from "node:child_process"

const isInstalled = spawnSync("python3", ["--version"]).status === 0

/**
 * Whether to run the tests that need Python 3. If the command `python3` is missing, these tests are skipped. In CI,
 * they are never skipped: without the command, they fail.
 */
export const runsPython = process.env["CI"] !== undefined || isInstalled

if (!runsPython) console.warn("python3 is not installed, so the tests that need python3 are skipped.")
