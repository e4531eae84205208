/**
 * An OpenAPI 3.1 description of the calls for logging in to Rupeezy.
 *
 * @since 0.1.0
 */
import * as OpenApi from "@auth/broker-core/broker/OpenApi"
import { headersFor } from "./RupeezyApi.ts"
import { broker } from "./RupeezyBroker.ts"
import * as codes from "./internal/codes.ts"
import * as endpoints from "./internal/endpoints.ts"

const status = OpenApi.word("success")

const service = OpenApi.inside("data", { status })

const envelopes: Readonly<Record<string, (data: OpenApi.Json) => OpenApi.Json>> = {
  deleteSession: OpenApi.beside({ status }),
  // These have no envelope in the mocks of the official SDK.
  getFunds: (data) => ({ anyOf: [data, service(data)] }),
  getBanks: (data) => ({ anyOf: [data, service(data)] })
}

/**
 * Makes the document, for generators of clients in other languages.
 *
 * @category descriptions
 * @since 0.1.0
 */
export const document = (): OpenApi.Document =>
  OpenApi.make({
    broker,
    table: endpoints.make("+05:30"),
    codes: codes.make({}),
    headers: headersFor({ apiKey: OpenApi.sample("apiKey") }),
    yes: (data, { name }) => (envelopes[name] ?? service)(data),
    no: {
      type: "object",
      properties: { status: OpenApi.word("error"), code: OpenApi.text, message: OpenApi.text },
      required: ["status"]
    },
    refusesWith200: "yes"
  })
