import * as Context from "effect/Context"
import * as Headers from "effect/http/Headers"
import * as Layer from "effect/Layer"

/** Hides the values of the headers `names` in logs and spans, in addition to the headers that Effect hides. */
export const layer = (names: Iterable<string>): Layer.Layer<never> =>
  Layer.succeedContext(
    // `CurrentRedactedNames` replaces the default list, so the default must be repeated.
    Context.make(Headers.CurrentRedactedNames, [
      ...Context.get(Context.empty(), Headers.CurrentRedactedNames),
      ...Array.from(names, (name) => name.toLowerCase())
    ])
  )
