import { spawnSync } from "node:child_process"

const isInstalled = spawnSync("python3", ["--version"]).status === 0

/**
 * Whether the tests that need Python 3 run. If `python3` is missing, they are skipped with this notice. In CI, they run
 * and fail.
 */
export const runsPython = process.env["CI"] !== undefined || isInstalled

if (!runsPython) console.warn("python3 is not installed, so the tests that need it are skipped.")
