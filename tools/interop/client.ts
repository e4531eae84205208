/** The program of a child process: opens a client of an SDK, and calls the methods that the parent names. */
import { pathToFileURL } from "node:url"
import { servePeer } from "./peer.ts"
import type { ClientOptions, Sdk } from "./sdk.ts"

const { sdk } = (await import(pathToFileURL(process.argv[2] ?? "").href)) as { readonly sdk: Sdk }

type Request = { readonly open: ClientOptions } | { readonly method: string; readonly args: ReadonlyArray<unknown> }

let client: object = {}

servePeer((request: Request): unknown => {
  if ("open" in request) {
    client = sdk.open(request.open)
    return undefined
  }
  const method: unknown = Reflect.get(client, request.method)
  if (typeof method !== "function") throw new Error(`${sdk.name} has no method ${request.method}.`)
  return Reflect.apply(method, client, request.args)
})
