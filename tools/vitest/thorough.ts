/**
 * Whether the run is thorough. `npm test` skips tests with the tag `thorough`, and reduces unbounded tests such as
 * fuzzing. `npm run check` and CI skip nothing.
 */
export const thorough = process.env["TESTS"] === "thorough"
