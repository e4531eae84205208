/** The script `prepack` of each package. */
console.error(
  "The published files differ from the files in this folder, so npm must not pack or publish this folder. To pack " +
    'all packages, run "npm run pack" in the root of the repository. To publish them, run "npm run release" there.'
)
process.exitCode = 1
