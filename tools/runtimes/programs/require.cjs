"use strict"
// Loads modules with `require` and with `import`: `require.cjs` reads their names as JSON from standard input. Both must
// return the same objects. Otherwise a program that uses both ways would have two copies of a package.
const { text } = require("node:stream/consumers")

const main = async () => {
  const specifiers = JSON.parse(await text(process.stdin))
  for (const specifier of specifiers) {
    const required = require(specifier)
    const imported = await import(specifier)
    for (const [name, value] of Object.entries(imported)) {
      if (required[name] !== value) throw new Error(`${specifier}: require and import return different "${name}"`)
    }
  }
  console.log(JSON.stringify(specifiers.length))
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
