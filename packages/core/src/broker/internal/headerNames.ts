import * as Context from "effect/Context"
import * as Headers from "effect/http/Headers"
import * as Layer from "effect/Layer"

/** Hides the values of the headers `names` in logs and spans. */
export const layer = (names: Iterable<string>): Layer.Layer<never> =>
  Layer.succeedContext(
    // This list replaces Effect's default list, so it includes the default names.
    Context.make(Headers.CurrentRedactedNames, [
      ...Context.get(Context.empty(), Headers.CurrentRedactedNames),
      ...Array.from(names, (name) => name.toLowerCase())
    ])
  )
