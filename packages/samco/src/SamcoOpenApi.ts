/**
 * An OpenAPI 3.1 description of the calls for logging in to Samco.
 *
 * @since 0.1.0
 */
import * as OpenApi from "@auth/broker-core/broker/OpenApi"
import { headers } from "./SamcoApi.ts"
import { broker } from "./SamcoBroker.ts"
import { codes } from "./internal/codes.ts"
import { table } from "./internal/endpoints.ts"

const status = OpenApi.word("success")

const flat = OpenApi.beside({ status, statusMessage: OpenApi.text })

const nested = OpenApi.inside("data", { status, message: OpenApi.text })

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
    headers,
    // The calls of OAuth answer in `data`, the others beside `status`.
    yes: (data) => ({ anyOf: [flat(data), nested(data)] }),
    no: {
      type: "object",
      properties: {
        status: { type: "string", not: status },
        errorCode: OpenApi.text,
        statusMessage: OpenApi.text,
        message: OpenApi.text,
        validationErrors: { type: "array", items: { type: "string" } }
      }
    },
    refusesWith200: "yes"
  })
