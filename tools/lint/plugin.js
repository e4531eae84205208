// This repository's own lint rules. lint.test.ts shows that each of them can fail.

// Allowed imports of each layer, as regular expressions over the bare specifier. A folder without a row is a broker.
const effect = /^effect(\/|$)/
const core = /^@auth\/broker-core(\/|$)/
const layers = {
  core: [effect],
  // The testing part of core serves fakes over msw, an optional peer.
  testing: [effect, /^msw(\/|$)/],
  broker: [effect, core, /^msw(\/|$)/],
  simulator: [effect, core, /^@auth\//, /^msw(\/|$)/, /^node:/, /^@effect\/platform-/],
  node: [effect, core, /^node:/, /^@effect\/platform-/],
  cli: [/^/]
}

const isRelative = (specifier) => specifier.startsWith("./") || specifier.startsWith("../")

const imports = {
  meta: {
    type: "problem",
    docs: { description: "Imports between packages go one way: cli, simulator and node, brokers, core." }
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

const noTry = {
  meta: {
    type: "problem",
    docs: { description: "An expected failure is a value in the error channel." }
  },
  create: (context) => ({
    TryStatement: (node) =>
      context.report({ node, message: "No try/catch: use Effect.try, Effect.tryPromise or Result." })
  })
}

export default {
  meta: { name: "house" },
  rules: { layers: imports, "no-try": noTry }
}
