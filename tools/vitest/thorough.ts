/**
 * Whether this run of the tests is thorough, as in `npm run check`. In any other run, such as `npm test`, tests with
 * the tag `thorough` are skipped, fuzz tests generate fewer answers of the broker, and simulations run for fewer days.
 */
export const thorough = process.env["TESTS"] === "thorough"
