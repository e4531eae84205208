// Defines the same Nx targets for every package, so that a new package needs no Nx configuration.
import * as path from "node:path"

const everySource = ["workspace", "sources", "^sources"]

const targets = (root) => {
  const run = (command, rest) => ({
    executor: "nx:run-commands",
    options: { command, cwd: "{workspaceRoot}" },
    cache: true,
    ...rest
  })
  return {
    build: run(`tsc -b ${root}`, {
      dependsOn: ["^build"],
      inputs: everySource,
      outputs: ["{projectRoot}/dist", "{projectRoot}/.tsbuild"]
    }),
    typecheck: run(`tsc -p ${root}/tsconfig.test.json`, {
      dependsOn: ["build"],
      inputs: [...everySource, "tests"],
      outputs: []
    }),
    test: run(`vitest run --passWithNoTests ${root}/`, {
      inputs: [...everySource, "tests", { env: "TESTS" }],
      outputs: []
    }),
    lint: run(`oxlint ${root} && oxfmt --check ${root}`, {
      inputs: [
        "{projectRoot}/**/*",
        "^sources",
        "workspace",
        "{workspaceRoot}/.oxlintrc.json",
        "{workspaceRoot}/.oxfmtrc.json",
        "{workspaceRoot}/tools/lint/plugin.js"
      ],
      outputs: []
    }),
    "pack-check": run(`node --conditions=@auth/source tools/packages/check.ts ${path.basename(root)}`, {
      dependsOn: ["build"],
      // The check of packages/cli runs the installed command with helpers from packages/cli/test. So the tests are an
      // input.
      inputs: [...everySource, "tests", "{projectRoot}/*", "{workspaceRoot}/tools/packages/**/*"],
      outputs: []
    })
  }
}

export const name = "packages"

export const createNodes = [
  "packages/*/package.json",
  (files) =>
    files.map((file) => {
      const root = path.posix.dirname(file)
      return [file, { projects: { [root]: { targets: targets(root) } } }]
    })
]
