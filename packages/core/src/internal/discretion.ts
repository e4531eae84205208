import * as Context from "effect/Context"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"

const quiet = Context.make(HttpClient.TracerDisabledWhen, () => true).pipe(
  Context.add(HttpClient.TracerPropagationEnabled, false)
)

/**
 * What holds for every request with credentials, whichever client sends it: no span of the client, no tracing header,
 * and no redirect that takes the credentials along. All else of the caller's `RequestInit`, such as a proxy's dispatcher,
 * stays.
 */
export const discreet = (context: Context.Context<never>): Context.Context<never> =>
  Context.merge(context, quiet).pipe(
    Context.add(FetchHttpClient.RequestInit, {
      ...Context.getOrUndefined(context, FetchHttpClient.RequestInit),
      redirect: "manual"
    })
  )
