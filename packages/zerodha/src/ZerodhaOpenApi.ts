/**
 * An OpenAPI 3.1 description of the calls for logging in to Zerodha.
 *
 * @since 0.1.0
 */
import * as OpenApi from "@auth/broker-core/broker/OpenApi"
import { headersFor } from "./ZerodhaApi.ts"
import { broker } from "./ZerodhaBroker.ts"
import { codes } from "./internal/codes.ts"
import { table } from "./internal/endpoints.ts"

const apiKey = OpenApi.sample("apiKey")

/**
 * Makes the document, for generators of clients in other languages.
 *
 * @category descriptions
 * @since 0.1.0
 */
export const document = (): OpenApi.Document =>
  OpenApi.make({
    broker,
    table,
    codes,
    headers: headersFor(apiKey),
    app: { api_key: apiKey },
    yes: OpenApi.inside("data", { status: { const: "success" } }),
    no: {
      type: "object",
      properties: { status: { const: "error" }, message: OpenApi.text, error_type: OpenApi.text, data: {} },
      required: ["status", "error_type"]
    },
    refusesWith200: "no"
  })
