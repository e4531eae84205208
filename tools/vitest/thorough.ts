/**
 * Whether this run of the tests is thorough, as in `npm run check`. Otherwise, tests with the tag `thorough` are
 * skipped, and fuzz tests and simulations are shorter.
 */
export const thorough = process.env["TESTS"] === "thorough"
