/**
 * An OpenAPI 3.1 description of the calls for logging in to Motilal Oswal.
 *
 * @since 0.1.0
 */
import * as OpenApi from "@auth/broker-core/broker/OpenApi"
import type { Tokens } from "@auth/broker-core/login/Session"
import { broker } from "./MotilalBroker.ts"
import { codes } from "./internal/codes.ts"
import * as endpoints from "./internal/endpoints.ts"
import * as headers from "./internal/headers.ts"

/** Of the newest generation, for a program of the kind that the layers are by default. */
const headersOf = headers.make({
  apiKey: OpenApi.sample("apiKey"),
  apiSecret: OpenApi.sample("apiSecret"),
  generation: "v7"
})

/** Calls of a login that is not at its end carry its first token alone. */
const ofLogin = ({ access, login = access }: Tokens): Tokens => ({ access: login })

const status = OpenApi.word("SUCCESS")

const envelope = { message: OpenApi.text, errorcode: OpenApi.text }

/**
 * Makes the document, for generators of clients in other languages.
 *
 * @category descriptions
 * @since 0.1.0
 */
export const document = (): OpenApi.Document =>
  OpenApi.make({
    broker,
    table: endpoints.make("v7", 2),
    codes,
    headers: ({ account, endpoint, tokens }) =>
      headersOf(account, tokens && endpoints.ofLogin.has(endpoint?.name ?? "") ? ofLogin(tokens) : tokens),
    yes: OpenApi.beside({ status, ...envelope }),
    // The word is FAILURE or ERROR; the official SDKs know others.
    no: {
      type: "object",
      properties: { status: { type: "string", not: status }, ...envelope },
      required: ["status"]
    },
    refusesWith200: "yes"
  })
