/**
 * The script `prepack` of each package. npm runs it for `npm pack` and `npm publish` in the folder of a package, whose
 * files are not the files of the published package.
 */
console.error(
  "The published files differ from the folder of a package, so npm must not pack or publish this folder. To pack all " +
    "packages, run npm run pack in the root of the repository. To publish them, run npm run release there."
)
process.exitCode = 1
