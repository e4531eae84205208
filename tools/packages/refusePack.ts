/**
 * The script `prepack` of each package. npm runs it for `npm pack` and `npm publish` in the folder of a package, whose
 * files are not the files of the published package.
 */
console.error(
  "npm cannot pack or publish this folder, because its files are not the files that are published. In the root of the " +
    "repository, npm run pack packs all packages, and npm run release publishes them."
)
process.exitCode = 1
