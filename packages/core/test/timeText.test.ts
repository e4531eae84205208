import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { timeText } from "../src/login/internal/timeText.ts"

describe("timeText", () => {
  it.each([
    [0, "0 seconds"],
    [1, "1 millisecond"],
    [250, "250 milliseconds"],
    [1000, "1 second"],
    [999.4, "999 milliseconds"],
    [999.6, "1 second"],
    [45_000, "45 seconds"],
    [90_400, "90 seconds"],
    [119_400, "119 seconds"],
    [119_500, "2 minutes"],
    [120_000, "2 minutes"],
    [-240_000, "4 minutes"],
    [150_000, "2 minutes 30 seconds"],
    [3_599_600, "1 hour"],
    [3_900_000, "1 hour 5 minutes"],
    [86_399_000, "1 day"],
    [90_000_000, "1 day 1 hour"],
    [9 * 86_400_000, "9 days"],
    [9 * 86_400_000 + 3 * 3_600_000 + 59_000, "9 days 3 hours"]
  ])("shows %d milliseconds as %s", (millis, text) => assert.strictEqual(timeText(millis), text))

  it("accepts a duration as text, and an infinite duration", () => {
    assert.strictEqual(timeText("30 seconds"), "30 seconds")
    assert.strictEqual(timeText(Duration.infinity), "an unlimited time")
  })
})
