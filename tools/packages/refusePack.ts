/**
 * The script `prepack` of each package. npm runs it for `npm pack` and `npm publish` in the folder of a package, which
 * contains other files than the published package.
 */
console.error(
  "The folder of a package is not what is published, so it cannot be packed or published by npm. In the root of the " +
    "repository, npm run pack packs all packages, and npm run release publishes them."
)
process.exitCode = 1
