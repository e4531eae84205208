/**
 * Whether all is tried that can be. `npm test` leaves out the tests with the tag `thorough` and tries less of what goes
 * on for ever, such as answers made up at random; `npm run check` and CI leave nothing out.
 */
export const thorough = process.env["TESTS"] === "thorough"
