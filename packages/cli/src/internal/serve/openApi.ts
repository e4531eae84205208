import { commonRefusals, type Endpoint, endpoints, schemas } from "./endpoints.ts"
import { statuses, statusOfReason } from "./problems.ts"

type Json = Readonly<Record<string, unknown>>

const reference = (schema: string): Json => ({ $ref: `#/components/schemas/${schema}` })

const content = (type: string, schema: string): Json => ({ [type]: { schema: reference(schema) } })

const vaultStatuses = [500, 503]

const problemsOf = ({ canFail, refusals }: Endpoint): Json => {
  const reasons = [...commonRefusals, ...refusals, ...(canFail ? Object.keys(statusOfReason) : [])]
  const byStatus = new Map<number, Array<string>>(
    canFail ? vaultStatuses.map((status) => [status, ["VaultError"]]) : []
  )
  for (const reason of reasons) {
    const status = statuses[reason] ?? 500
    byStatus.set(status, [...(byStatus.get(status) ?? []), reason])
  }
  return Object.fromEntries(
    Array.from(byStatus, ([status, names]) => [
      String(status),
      { description: names.join(", "), content: content("application/json", "Problem") }
    ])
  )
}

const operationOf = (operationId: string, endpoint: Endpoint): Json => ({
  operationId,
  summary: endpoint.summary,
  ...(endpoint.path.includes("{name}") && {
    parameters: [
      {
        name: "name",
        in: "path",
        required: true,
        schema: { type: "string" },
        description: "The name that the user has given the account."
      }
    ]
  }),
  ...(endpoint.body !== undefined && {
    requestBody: { required: true, content: content("application/json", endpoint.body) }
  }),
  responses: {
    "200": { description: "Success", content: content(endpoint.answer.type, endpoint.answer.schema) },
    ...problemsOf(endpoint)
  }
})

/** `origin` is the server's address on loopback, or `undefined` for a server on a Unix socket. */
export const document = (origin: string | undefined): Json => {
  const paths: Record<string, Json> = {}
  for (const [name, endpoint] of Object.entries(endpoints)) {
    paths[endpoint.path] = { ...paths[endpoint.path], [endpoint.method.toLowerCase()]: operationOf(name, endpoint) }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "broker-auth serve",
      version: "1",
      description:
        "Sessions of stock brokers for programs on this machine. A status of 409 means that a person has to act; the field `remedy` says how. The server refuses requests from web pages."
    },
    servers: [{ url: origin ?? "http://localhost" }],
    ...(origin !== undefined && { security: [{ bearer: [] }] }),
    paths,
    components: {
      schemas,
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } }
    }
  }
}
