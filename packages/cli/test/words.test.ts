import { assert, it } from "@effect/vitest"
import { wordsOf } from "../src/internal/programs.ts"

it.each([
  ["notify-send done", ["notify-send", "done"]],
  ["  a   b  ", ["a", "b"]],
  ["say \"two words\" 'and two' more", ["say", "two words", "and two", "more"]],
  ["mail --subject=\"two words\" --to='a b'", ["mail", "--subject=two words", "--to=a b"]],
  ['"/opt/my tools/notify"x', ["/opt/my tools/notifyx"]],
  ['a "" b', ["a", "", "b"]],
  ["don't stop", ["don't", "stop"]],
  ['5" 6', ['5"', "6"]],
  ["", []]
] as const)("a command is split at the blanks outside its quoted parts: %s", (command, words) => {
  assert.deepStrictEqual(wordsOf(command), words)
})
