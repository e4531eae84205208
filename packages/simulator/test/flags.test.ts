import { assert, it } from "@effect/vitest"
import { read } from "../src/internal/flags.ts"
import * as Effect from "effect/Effect"

const misuses: ReadonlyArray<readonly [args: ReadonlyArray<string>, says: RegExp]> = [
  [["--prot", "4010"], /Unknown option '--prot'/],
  [["--port", "many"], /--port must be a number from 0 to 65535, not "many"/],
  [["--port", "-1"], /--port/],
  [["--port=-1"], /not "-1"/],
  [["--port", "70000"], /not "70000"/],
  [["--port"], /--port/],
  [["--port="], /not ""/],
  [["--port", "4010", "--port", "4011"], /--port is given more than once/],
  [["--json", "--json"], /--json is given more than once/],
  [["--json=yes"], /--json/],
  [["--help", "-h"], /--help is given more than once/],
  [["--print-seed", "--print-seed"], /--print-seed is given more than once/],
  [["--seed"], /--seed/],
  [["--seed="], /--seed needs a file/],
  [["--seed", "a.json", "--seed", "a.json"], /--seed is given more than once/],
  [["--seed", "a.json", "--print-seed"], /--print-seed can be combined only with --broker, not with --seed/],
  [["--print-seed", "--json"], /not with --json/],
  [["--print-seed", "--port", "4010"], /not with --port/],
  [["--journal"], /--journal/],
  [["--journal", "0"], /--journal must be a number from 1 to 1000000, not "0"/],
  [["--journal", "1e3"], /not "1e3"/],
  [["--journal", "1000001"], /not "1000001"/],
  [["--journal", "5", "--journal", "5"], /--journal is given more than once/],
  [["--broker"], /--broker/],
  [["--broker", "angel", "--broker", "samco", "--broker", "angel"], /--broker is given twice with "angel"/],
  [["--broker", "angel,samco"], /not "angel,samco"/],
  [["--broker", "a\nb"], /not "a\\nb"/],
  [["--allow-host", "a.test", "--allow-host", "a.test"], /--allow-host is given twice with "a.test"/],
  [["angel"], /angel/],
  [["--allow-origin", "example.org"], /--allow-origin must be/],
  [["--allow-host", "http://a"], /--allow-host must be/],
  [["--broker", "nobody"], /--broker must be one of angel, .*, not "nobody"/]
]

it.effect.each(misuses)("broker-auth-simulator refuses the arguments %j with a one-line error", ([args, says]) =>
  Effect.gen(function* () {
    const { message } = yield* Effect.flip(read(args))
    assert.match(message, says)
    assert.notInclude(message, "\n")
  })
)

it.effect("broker-auth-simulator reads every flag", () =>
  Effect.gen(function* () {
    const lists = ["--broker", "samco", "--broker", "angel", "--allow-host", "a.test", "--allow-host", "b.test"]
    const others = ["--port=4010", "--journal", "5", "--seed", "a.json", "--allow-origin", "http://a.test", "--json"]
    assert.deepStrictEqual(yield* read([...lists, ...others]), {
      kind: "serve",
      format: "json",
      seedFile: "a.json",
      options: {
        port: 4010,
        journalLimit: 5,
        brokers: ["samco", "angel"],
        allowHosts: ["a.test", "b.test"],
        allowOrigins: ["http://a.test"]
      }
    })
    assert.deepStrictEqual(yield* read(["--print-seed", "--broker", "samco"]), {
      kind: "print-seed",
      brokers: ["samco"]
    })
    assert.deepStrictEqual(yield* read(["-h"]), { kind: "help" })
  })
)
