/**
 * An OpenAPI 3.1 description of the calls for logging in to Angel One.
 *
 * @since 0.1.0
 */
import * as OpenApi from "@auth/broker-core/broker/OpenApi"
import { headersFor } from "./AngelApi.ts"
import { broker } from "./AngelBroker.ts"
import { codes } from "./internal/codes.ts"
import { table } from "./internal/endpoints.ts"

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
    headers: headersFor({ apiKey: OpenApi.sample("apiKey") }),
    // Some services write `status` as text, and the gateway writes `success` in its place.
    yes: OpenApi.inside("data", {
      status: { enum: [true, "true", "SUCCESS", "success"] },
      message: OpenApi.text,
      errorcode: OpenApi.text
    }),
    no: {
      type: "object",
      properties: { message: OpenApi.text, errorcode: OpenApi.text, errorCode: OpenApi.text },
      anyOf: [
        { properties: { status: { enum: [false, "false", "ERROR", "error"] } }, required: ["status"] },
        { properties: { success: { const: false } }, required: ["success"] }
      ]
    },
    refusesWith200: "yes"
  })
