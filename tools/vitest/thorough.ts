/**
 * Whether the run is thorough. In a run that is not thorough, such as `npm test`, tests with the tag `thorough` are
 * skipped, and fuzz tests generate fewer answers. `npm run check` and CI are thorough.
 */
export const thorough = process.env["TESTS"] === "thorough"
