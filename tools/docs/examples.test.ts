import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { http, type HttpHandler, passthrough } from "msw"
import { setupServer } from "msw/node"
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { promisify } from "node:util"
import { documented } from "../house/brokers.ts"
import { examples, fileOf, folder, promises, root, write } from "./examples.ts"

interface Mocks {
  readonly handlers: (fake: FakeBroker) => ReadonlyArray<HttpHandler>
  readonly [fake: `Fake${string}`]: { readonly make: () => Effect.Effect<FakeBroker> }
}

write()

/** What the README's own program reads: the demo account of the fake. */
Object.assign(process.env, {
  ANGEL_CLIENT_CODE: "A123456",
  ANGEL_PIN: "4711",
  ANGEL_API_KEY: "demoTrd1",
  ANGEL_TOTP_SECRET: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
})

const mocks = await Promise.all(
  documented
    .filter(({ folder: name }) => existsSync(join(root, "packages", name, "src/msw.ts")))
    .map(async ({ folder: name, name: title }) => {
      const module = (await import(pathToFileURL(join(root, "packages", name, "src/msw.ts")).href)) as Mocks
      return Effect.map(module[`Fake${title}`]?.make() ?? Effect.die(name), (fake) => module.handlers(fake))
    })
)

/** Fresh fakes of all brokers: an example must not depend on the one before it. */
const withFakes = async (run: () => Promise<unknown>): Promise<void> => {
  const handlers = (await Effect.runPromise(Effect.all(mocks))).flat()
  // What serves itself on this machine is no broker.
  const server = setupServer(
    http.all("http://127.0.0.1:*/*", () => passthrough()),
    ...handlers
  )
  server.listen({ onUnhandledFrame: "error" })
  await run().finally(() => server.close())
}

describe("examples", () => {
  it("there are some, and some make promises", () => {
    assert.isAtLeast(examples.length, 30)
    assert.isAtLeast(examples.filter((example) => promises(example) > 0).length, 10)
  })

  it("type-check", { timeout: 120_000 }, async () => {
    const compiler = join(root, "node_modules/typescript/bin/tsc")
    const run = promisify(execFile)(process.execPath, [compiler, "-p", folder])
    const output = await run.then(
      () => "",
      (error: { readonly stdout: string }) => error.stdout
    )
    const named = output.replaceAll(
      /^\S*example-(\d+)\.ts/gm,
      (_, index: string) => examples[Number(index)]?.where ?? _
    )
    assert.strictEqual(named, "")
  })

  for (const [index, { where }] of examples.entries()) {
    it(`${where} runs`, { timeout: 30_000 }, async () => {
      let module: { readonly program?: Effect.Effect<unknown, unknown> } | undefined
      await withFakes(async () => {
        module = (await import(pathToFileURL(fileOf(index)).href)) as typeof module
        if (Effect.isEffect(module?.program)) await Effect.runPromise(module.program)
      })
      assert.isDefined(module)
    })
  }
})
