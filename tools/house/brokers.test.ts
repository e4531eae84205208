import type { Broker } from "@auth/broker-core/broker/Broker"
import type { FakeBroker } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { answerFixtures, documented, requestFixtures, root, sources } from "./brokers.ts"

interface FakeModule {
  readonly make: () => Effect.Effect<FakeBroker.FakeBroker>
}

const load = async <Module>(folder: string, file: string): Promise<Module> =>
  (await import(pathToFileURL(join(root, "packages", folder, "src", file)).href)) as Module

/** Source files of every broker, except the files of layers. `Broker` stands for the broker's name. */
const commonFiles = [
  "BrokerApi.ts",
  "BrokerBroker.ts",
  "FakeBroker.ts",
  "FakeBrokerDescriptor.ts",
  "index.ts",
  "internal/codes.ts",
  "internal/dialects.ts",
  "internal/endpoints.ts",
  "internal/services.ts",
  "msw.ts"
]

/** Files that only some brokers have. */
const ownFiles = new Set(["BrokerFeed.ts", "internal/headers.ts", "internal/version.ts"])

for (const broker of documented) {
  describe(`documented calls: ${broker.folder}`, () => {
    const requests = requestFixtures(broker)
    const answers = answerFixtures(broker)

    for (const call of broker.calls) {
      it.effect(`${call} has a fake handler, a request fixture and an answer fixture`, () =>
        Effect.gen(function* () {
          const sent = requests.find(({ method, url }) => `${method} ${new URL(url).pathname}` === call)
          assert.isDefined(sent, "the call has no request fixture")
          assert.isTrue(
            answers.some(({ endpoint, expect }) => endpoint === sent.endpoint && "data" in expect),
            "the call has no answer fixture"
          )
          const { make } = yield* Effect.promise(() => load<FakeModule>(broker.folder, `Fake${broker.name}.ts`))
          const fake = yield* make()
          const body = sent.method === "GET" ? {} : { body: "{}" }
          yield* Effect.promise(() => fake.respond(new Request(sent.url, { method: sent.method, ...body })))
          const [entry] = yield* fake.journal
          assert.notStrictEqual(entry?.endpoint, "unknown", "the fake has no handler for the call")
        })
      )
    }
  })

  it(`packages/${broker.folder} has the common source files, one file per layer, and no unknown file`, async () => {
    const module = await load<{ readonly broker: Broker }>(broker.folder, `${broker.name}Broker.ts`)
    const layers = new Set(module.broker.methods.map(({ layer }) => `${layer.replace(broker.name, "Broker")}.ts`))
    const own = sources(broker).filter((file) => !ownFiles.has(file))
    assert.deepStrictEqual(own, [...commonFiles, ...layers].toSorted())
    const index = readFileSync(join(root, "packages", broker.folder, "src/index.ts"), "utf8")
      .trim()
      .split("\n")
    assert.isTrue(index.every((line) => /^export \* as (\w+) from "\.\/\1\.ts"$/.test(line)))
  })

  it(`packages/${broker.folder} lists in \`choices\` each option that accepts only certain texts`, () => {
    const text = sources(broker)
      .filter((file) => !file.startsWith("Fake"))
      .map((file) =>
        readFileSync(join(root, "packages", broker.folder, "src", file.replace("Broker", broker.name)), "utf8")
      )
      .join("\n")
    const options = Array.from(
      text.matchAll(/readonly (\w+)\?: "[\w-]+"(?: \| "[\w-]+")+ \| undefined/g),
      ([, name]) => name
    )
    const choices = /\bchoices(?: =|:) (\{[^}]*\})/.exec(text)?.[1] ?? ""
    assert.deepStrictEqual(
      options.filter((name) => !choices.includes(`${name}: [`)),
      []
    )
  })
}
