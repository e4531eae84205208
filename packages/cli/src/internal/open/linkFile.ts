/**
 * An HTML file that redirects the browser to the page of `broker-auth open`. The link to the page contains a secret,
 * and other users of the machine can see a program's arguments. So the browser is started with the address of the HTML
 * file. Only the current user can read the HTML file.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Path from "node:path"
import process from "node:process"
import { type CommandFailed, fail } from "../failure.ts"
import { linkMillis } from "./links.ts"
import { escape } from "./page.ts"

const pattern = /^open-\d+\.html$/

export interface LinkFile {
  readonly path: string
  readonly write: (link: Redacted.Redacted<string>) => Effect.Effect<void, CommandFailed>
  readonly remove: () => void
}

const html = (url: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=${escape(url)}">
<title>Broker logins</title>
<p><a href="${escape(url)}">Open the page</a></p>
</html>
`

/** Removes expired files, which killed programs have left. */
const removeOld = (folder: string, isOld: (modified: number) => boolean) => {
  for (const name of Fs.readdirSync(folder)) {
    if (!pattern.test(name)) continue
    const path = Path.join(folder, name)
    // Another program may have removed the file in the meantime.
    const found = Fs.lstatSync(path, { throwIfNoEntry: false })
    if (found !== undefined && isOld(found.mtimeMs)) Fs.rmSync(path, { force: true })
  }
}

/** The file is removed when its link expires, and at the end of the scope. */
export const make = Effect.fnUntraced(function* (folder: string): Effect.fn.Return<LinkFile, never, Scope.Scope> {
  const scope = yield* Effect.scope
  let writes = 0
  const path = Path.join(folder, `open-${process.pid}.html`)
  const remove = () => void Result.try(() => Fs.rmSync(path, { force: true }))
  yield* Effect.addFinalizer(() => Effect.sync(remove))
  return {
    path,
    remove,
    write: (link) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const isOld = (modified: number) => now - modified > linkMillis
        const written = Result.try(() => {
          Fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
          removeOld(folder, isOld)
          Fs.rmSync(path, { force: true })
          // With `wx`, the write fails if the path exists. So the write follows no symbolic link.
          Fs.writeFileSync(path, html(Redacted.value(link)), { mode: 0o600, flag: "wx" })
        })
        writes += 1
        const own = writes
        const expire = Effect.sync(() => void (own === writes && remove()))
        return Result.isSuccess(written)
          ? Effect.asVoid(Effect.forkIn(Effect.delay(expire, linkMillis), scope))
          : fail("usage", `The file ${path} cannot be written. Open the page with broker-auth open --link.`)
      })
  }
})
