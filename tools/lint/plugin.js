// The lint rules that this repository defines. lint.test.ts shows that each rule can report a problem.

import * as path from "node:path"

// The import specifiers that each layer may use, as regular expressions. A folder of `packages` that has no row here
// belongs to the layer `broker`.
const effect = /^effect(\/|$)/
const core = /^@auth\/broker-core(\/|$)/
const layers = {
  core: [effect],
  // The folder `core/src/testing` serves fakes through msw, which is an optional peer dependency.
  testing: [effect, /^msw(\/|$)/],
  broker: [effect, core, /^msw(\/|$)/],
  simulator: [effect, /^@auth\/(?!(?:cli|node)(?:\/|$))/, /^msw(\/|$)/, /^node:/, /^@effect\/platform-/],
  node: [effect, core, /^node:/, /^@effect\/platform-/],
  cli: [/^/]
}

const isRelative = (specifier) => specifier.startsWith("./") || specifier.startsWith("../")

const imports = {
  meta: {
    type: "problem",
    docs: {
      description:
        "The cli may import every package. The simulator may import the brokers and core. The brokers and node may import core."
    }
  },
  create(context) {
    const folder = /(?:^|[/\\])packages[/\\]([^/\\]+)[/\\]src[/\\]/.exec(context.filename)?.[1]
    if (folder === undefined) return {}
    const isTesting = /[/\\]core[/\\]src[/\\]testing[/\\]/.test(context.filename)
    const layer = isTesting ? "testing" : folder in layers ? folder : "broker"
    const check = (node) => {
      const specifier = node.source?.value
      if (typeof specifier !== "string" || isRelative(specifier)) return
      if (layers[layer].some((allowed) => allowed.test(specifier))) return
      context.report({ node: node.source, message: `packages/${folder} (${layer}) must not import "${specifier}".` })
    }
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check
    }
  }
}

// For each folder of `core/src`, the folders from which its modules may import. The rule also covers type imports.
const folders = {
  login: ["login"],
  broker: ["login", "broker"],
  session: ["login", "broker", "session"],
  testing: ["login", "broker", "session", "testing"]
}

const coreFolder = /[/\\]core[/\\]src[/\\](login|broker|session|testing)[/\\]/

const coreFolders = {
  meta: {
    type: "problem",
    docs: { description: "In core, session may import broker and login, and broker may import login." }
  },
  create(context) {
    const own = coreFolder.exec(context.filename)?.[1]
    if (own === undefined) return {}
    const check = (node) => {
      const specifier = node.source?.value
      if (typeof specifier !== "string" || !isRelative(specifier)) return
      const other = coreFolder.exec(path.join(path.dirname(context.filename), specifier))?.[1]
      if (other === undefined || folders[own].includes(other)) return
      context.report({ node: node.source, message: `core/src/${own} must not import from core/src/${other}.` })
    }
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
      TSImportType: check
    }
  }
}

const noTry = {
  meta: {
    type: "problem",
    docs: { description: "Expected failures are values in the error channel, not exceptions." }
  },
  create: (context) => ({
    TryStatement: (node) =>
      context.report({ node, message: "Do not use try/catch. Use Effect.try, Effect.tryPromise or Result." })
  })
}

export default {
  meta: { name: "house" },
  rules: { "core-folders": coreFolders, layers: imports, "no-try": noTry }
}
