import { spawnSync } from "node:child_process"

const isInstalled = spawnSync("python3", ["--version"]).status === 0

/** Whether to run the tests that need Python 3. In CI, these tests always run, and fail if `python3` is missing. */
export const runsPython = process.env["CI"] !== undefined || isInstalled

if (!runsPython) console.warn("python3 is not installed, so the tests that need python3 are skipped.")
