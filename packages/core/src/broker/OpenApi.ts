/**
 * Makes an OpenAPI 3.1 document from a broker's table of endpoints. Client generators for any language can read this
 * document.
 *
 * `@auth/simulator` serves the document over HTTP.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Tokens } from "../login/Session.ts"
import type { Broker } from "./Broker.ts"
import type { Protocol } from "./BrokerClient.ts"
import type { ErrorRow } from "./ErrorTable.ts"
import type { Endpoint } from "./Endpoint.ts"
import { schemaOf } from "./internal/bySchema.ts"
import { complete, queryOf } from "./internal/requestParts.ts"

/**
 * A JSON object: a schema, or a part of a document.
 *
 * @category models
 * @since 0.1.0
 */
export type Json = Readonly<Record<string, unknown>>

/**
 * An OpenAPI document.
 *
 * @category models
 * @since 0.1.0
 */
export interface Document {
  readonly openapi: "3.1.0"
  readonly info: Json
  readonly servers: ReadonlyArray<Json>
  readonly paths: Readonly<Record<string, Json>>
  readonly components: {
    readonly schemas: Readonly<Record<string, Json>>
    readonly securitySchemes: Readonly<Record<string, Json>>
  }
}

/**
 * The input for a document: the broker's tables, and the form of the broker's answers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Input {
  readonly broker: Broker
  readonly table: Readonly<Record<string, Endpoint>>
  readonly codes: ReadonlyArray<ErrorRow>
  /** Returns the headers of a call. `make` passes placeholders to `headers` instead of real tokens. */
  readonly headers: Protocol["headers"]
  /** The values of the app, such as the API key. Use `sample` to make a placeholder for each secret. */
  readonly app?: Protocol["app"]
  /** Returns the schema of a successful answer. `data` is the schema of the call's data. */
  readonly yes: (data: Json, endpoint: Endpoint) => Json
  /** Schema of a refusal. */
  readonly no: Json
  /** Whether the broker also sends refusals with HTTP 200. */
  readonly refusesWith200: "yes" | "no"
}

/**
 * Makes a placeholder, such as `{apiKey}`, for one of the caller's secrets.
 *
 * @category constructors
 * @since 0.1.0
 */
export const sample = (name: string): Redacted.Redacted<string> => Redacted.make(`{${name}}`)

/** A constant or a pattern distinguishes a success from a refusal. */
const decides = (schema: Json = {}): boolean => "const" in schema || "pattern" in schema

const objectWith = (properties: Readonly<Record<string, Json>>, required: ReadonlyArray<string> = []): Json => ({
  type: "object",
  properties,
  required: [...Object.keys(properties).filter((name) => decides(properties[name])), ...required]
})

const mayBeAbsent = (data: Json): boolean => requiredOf(data).length === 0

/**
 * Makes the schema of an answer that contains the data in the field `name`. `properties` are the other fields of the
 * answer. Fields with a constant or a pattern are required.
 *
 * @category envelopes
 * @since 0.1.0
 */
export const inside =
  (name: string, properties: Readonly<Record<string, Json>>) =>
  (data: Json): Json =>
    objectWith({ ...properties, [name]: data }, mayBeAbsent(data) ? [] : [name])

/**
 * Makes the schema of an answer that contains the fields of the data directly. `properties` are the other fields of the
 * answer. Fields with a constant or a pattern are required.
 *
 * @category envelopes
 * @since 0.1.0
 */
export const beside =
  (properties: Readonly<Record<string, Json>>) =>
  (data: Json): Json => ({ allOf: [objectWith(properties), data] })

/**
 * Text that may be absent or null.
 *
 * @category envelopes
 * @since 0.1.0
 */
export const text: Json = { type: ["string", "null"] }

/**
 * Makes the schema of a word. The word may be in upper or lower case, and may have blanks around it.
 *
 * @category envelopes
 * @since 0.1.0
 */
export const word = (expected: string): Json => ({
  type: "string",
  pattern: `^\\s*${expected.replace(/[a-z]/gi, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`)}\\s*$`
})

const toJsonSchema = (schema: Schema.Decoder<unknown>): Json =>
  Schema.toJsonSchemaDocument(schema, { onExcessProperty: "ignore" }).schema

const account = "{account}"

const tokens: Tokens = {
  access: sample("access token"),
  refresh: sample("refresh token"),
  login: sample("token of the login")
}

const reveal = (value: unknown): unknown => (Redacted.isRedacted(value) ? Redacted.value(value) : value)

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  Predicate.isObject(value) && !Array.isArray(value) && !Redacted.isRedacted(value)

const propertiesOf = (schema: Json): Readonly<Record<string, Json>> =>
  (schema["properties"] ?? {}) as Readonly<Record<string, Json>>

const requiredOf = (schema: Json): ReadonlyArray<string> => (schema["required"] ?? []) as ReadonlyArray<string>

const isSecret = (schema: Json | undefined): boolean => schema?.["format"] === "password"

const password: Json = { type: "string", format: "password" }

const sampleOf = (schema: Json): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(propertiesOf(schema)).map(([name, property]) => [
      name,
      isSecret(property) ? sample(name) : `{${name}}`
    ])
  )

const fieldOf = (value: unknown): string | undefined => /^\{(.+)\}$/.exec(String(reveal(value)))?.[1]

interface Sent {
  readonly name: string
  readonly schema: Json
  readonly required: boolean
}

const sentOf = (sent: Readonly<Record<string, unknown>>, request: Json): ReadonlyArray<Sent> =>
  Object.entries(sent).map(([name, value]) => {
    const field = fieldOf(value)
    const schema = field === undefined ? undefined : propertiesOf(request)[field]
    if (schema !== undefined) return { name, schema, required: requiredOf(request).includes(field ?? "") }
    // A placeholder that names no field of the request stands for the token, or for a field of the app or session.
    if (field !== undefined) return { name, schema: password, required: true }
    return { name, schema: { const: reveal(value) }, required: true }
  })

const objectOf = (sent: ReadonlyArray<Sent>): Json => ({
  type: "object",
  properties: Object.fromEntries(sent.map(({ name, schema }) => [name, schema])),
  required: sent.filter(({ required }) => required).map(({ name }) => name)
})

const requestOf = (endpoint: Endpoint): Json =>
  endpoint.request === undefined ? {} : toJsonSchema(schemaOf(endpoint.request))

const givenOf = ({ app }: Input, { session, tokenField }: Endpoint) => ({
  app,
  extras: Object.fromEntries(session.map((name) => [name, `{${name}}`])),
  token: tokenField === undefined ? undefined : tokens.access
})

const queryParametersOf = (endpoint: Endpoint, input: Input): ReadonlyArray<Json> => {
  const request = requestOf(endpoint)
  const query = queryOf(endpoint, complete(endpoint, givenOf(input, endpoint), sampleOf(request)))
  return sentOf(query ?? {}, request).map(({ name, required, schema }) => ({ name, in: "query", required, schema }))
}

const bodySchemaOf = (endpoint: Endpoint, input: Input): Json | undefined => {
  if (endpoint.query !== undefined || endpoint.method === "GET" || endpoint.request === undefined) return undefined
  const request = requestOf(endpoint)
  const sent = complete(endpoint, givenOf(input, endpoint), sampleOf(request))
  return isRecord(sent) ? objectOf(sentOf(sent, request)) : request
}

/** HTTP clients set these headers, or a security scheme describes them. */
const ofHttp = new Set(["accept", "content-type", "authorization", "user-agent"])

const carriesToken = (value: string): boolean =>
  Object.values(tokens).some((token) => value.includes(Redacted.value(token)))

const headersOf = ({ headers }: Input, endpoint: Endpoint): ReadonlyArray<readonly [name: string, value: unknown]> =>
  Object.entries(
    headers({
      endpoint,
      account,
      ...(endpoint.token === "required" && { tokens }),
      ...(endpoint.token === "step" && { step: tokens.access })
    })
  ).filter(([, value]) => reveal(value) !== "")

const headerParametersOf = (input: Input, endpoint: Endpoint): ReadonlyArray<Json> =>
  headersOf(input, endpoint).flatMap(([name, value]) => {
    const shown = String(reveal(value))
    if (ofHttp.has(name) || carriesToken(shown)) return []
    const schema = Redacted.isRedacted(value) ? password : { type: "string" }
    const example = fieldOf(shown) === undefined ? { example: shown } : {}
    return [{ name, in: "header", required: true, schema, ...example }]
  })

const schemesOf = (input: Input, endpoint: Endpoint): Readonly<Record<string, Json>> =>
  Object.fromEntries(
    headersOf(input, endpoint).flatMap(([name, value]): ReadonlyArray<readonly [string, Json]> => {
      const shown = String(reveal(value))
      if (!carriesToken(shown)) return []
      if (name === "authorization" && /^Bearer \{[^{}]+\}$/.test(shown)) {
        return [[name, { type: "http", scheme: "bearer" }]]
      }
      return [[name, { type: "apiKey", in: "header", name, description: `\`${shown}\`` }]]
    })
  )

const reference = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })

const isOf = ({ name }: Endpoint, { operations }: ErrorRow): boolean =>
  operations === undefined || operations.includes(name)

const reasonOf = ({ name }: Endpoint, row: ErrorRow): string =>
  row.reason({
    operation: name,
    status: row.status ?? 400,
    code: row.code,
    message: undefined,
    supportId: undefined,
    retryAfter: undefined,
    clockDrift: undefined,
    request: undefined
  })._tag

const errorOf = (endpoint: Endpoint, row: ErrorRow): Json => ({
  ...(row.code !== undefined && { code: row.code }),
  ...(row.message !== undefined && { messagePattern: row.message.source }),
  ...(row.status !== undefined && { status: row.status }),
  meaning: row.meaning,
  reason: reasonOf(endpoint, row),
  source: row.source,
  asOf: row.asOf
})

const content = (schema: Json): Json => ({ "application/json": { schema } })

const one = (schemas: ReadonlyArray<Json>): Json => (schemas.length === 1 ? (schemas[0] ?? {}) : { anyOf: schemas })

const answersOf = (input: Input, endpoint: Endpoint): ReadonlyArray<Json> => {
  const data = toJsonSchema(Schema.toEncoded(schemaOf(endpoint.response)))
  const yes = input.yes(data, endpoint)
  return input.refusesWith200 === "yes" ? [yes, reference("Refusal")] : [yes]
}

const responsesOf = (input: Input, endpoints: ReadonlyArray<Endpoint>): Json => {
  const rows = input.codes.filter((row) => endpoints.some((endpoint) => isOf(endpoint, row)))
  const statuses = Array.from(
    new Set(rows.flatMap(({ status }) => (status === undefined || status < 400 ? [] : status)))
  )
  const refused = statuses
    .toSorted((left, right) => left - right)
    .map((status) => {
      const meanings = rows.filter((row) => row.status === status).map(({ meaning }) => meaning)
      return [
        String(status),
        { description: Array.from(new Set(meanings)).join(". "), content: content(reference("Refusal")) }
      ]
    })
  const errors = rows.flatMap((row) => {
    const endpoint = endpoints.find((endpoint) => isOf(endpoint, row))
    return endpoint === undefined ? [] : [errorOf(endpoint, row)]
  })
  return {
    "200": {
      description: input.refusesWith200 === "yes" ? "The answer, or a refusal" : "The answer",
      content: content(one(endpoints.flatMap((endpoint) => answersOf(input, endpoint))))
    },
    ...Object.fromEntries(refused),
    default: { description: "A refusal", content: content(reference("Refusal")), "x-errors": errors }
  }
}

const keyOf = ({ in: place, name }: Json): string => `${String(place)} ${String(name)}`

/**
 * Each list contains the parameters of one call. All calls have the same method and path. A parameter is required only
 * if all calls require the parameter.
 */
const mergeParameters = (lists: ReadonlyArray<ReadonlyArray<Json>>): ReadonlyArray<Json> => {
  const all = new Map<string, Json>()
  for (const parameter of lists.flat()) {
    const key = keyOf(parameter)
    const required = lists.every((list) => list.some((other) => keyOf(other) === key && other["required"] === true))
    all.set(key, { ...parameter, required })
  }
  return Array.from(all.values())
}

const limitsOf = ({ limits }: Endpoint): ReadonlyArray<Json> =>
  limits.map(({ per, requests, scope = "account" }) => ({
    requests,
    per: Duration.format(Duration.fromInputUnsafe(per)),
    ...(scope !== "account" && { scope })
  }))

const distinct = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> =>
  Array.from(new Map(values.map((value) => [JSON.stringify(value), value])).values())

const operationOf = (input: Input, endpoints: readonly [Endpoint, ...ReadonlyArray<Endpoint>]): Json => {
  const [first] = endpoints
  const bodies = endpoints.flatMap((endpoint): ReadonlyArray<Json> => {
    const schema = bodySchemaOf(endpoint, input)
    return schema === undefined ? [] : [schema]
  })
  const parameters = mergeParameters(
    endpoints.map((endpoint) => [...headerParametersOf(input, endpoint), ...queryParametersOf(endpoint, input)])
  )
  const schemes = distinct(endpoints.map((endpoint) => Object.keys(schemesOf(input, endpoint)).toSorted()))
  const type = first.encoding.contentType ?? "text/plain"
  const server = serversOf(input.broker, first.origin)
  return {
    operationId: first.name,
    ...(endpoints.length > 1 && { description: `Calls: ${endpoints.map(({ name }) => name).join(", ")}.` }),
    ...(first.origin !== "api" && { servers: server }),
    ...(parameters.length > 0 && { parameters }),
    ...(bodies.length > 0 && { requestBody: { required: true, content: { [type]: { schema: one(bodies) } } } }),
    responses: responsesOf(input, endpoints),
    // Of several calls with the same method and path, one may need no token.
    security: schemes.every((names) => names.length === 0)
      ? []
      : schemes.map((names) => Object.fromEntries(names.map((name) => [name, []]))),
    "x-limits": distinct(endpoints.flatMap(limitsOf)),
    "x-safe": endpoints.every(({ safe }) => safe)
  }
}

const serversOf = ({ environments }: Broker, origin: string): ReadonlyArray<Json> =>
  Object.entries(environments).flatMap(([environment, origins]) => {
    const url = origins[origin]
    return url === undefined ? [] : [{ url, description: environment }]
  })

const groupsOf = (table: Input["table"]): ReadonlyArray<readonly [Endpoint, ...ReadonlyArray<Endpoint>]> => {
  const groups = new Map<string, [Endpoint, ...Array<Endpoint>]>()
  for (const endpoint of Object.values(table)) {
    const key = `${endpoint.method} ${endpoint.path}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [endpoint])
    else group.push(endpoint)
  }
  return Array.from(groups.values())
}

/**
 * Makes the OpenAPI document of a broker.
 *
 * Calls with the same method and path are one operation. Secrets have the format `password`. Three fields are not part
 * of OpenAPI:
 * - `x-errors`, in the response `default` of an operation: the refusals of the call and their meanings.
 * - `x-limits`, in an operation: the rate limits of the call.
 * - `x-safe`, in an operation: whether the call may be sent again if the connection failed.
 *
 * @example
 * ```ts
 * import { document } from "@auth/zerodha/FakeZerodhaDescriptor"
 *
 * Object.keys(document().paths) // => ["/session/token", "/session/refresh_token", "/user/profile", "/user/margins", "/user/margins/equity", "/user/margins/commodity"]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (input: Input): Document => {
  const { broker, table } = input
  const paths: Record<string, Record<string, unknown>> = {}
  for (const endpoints of groupsOf(table)) {
    const [{ method, path }] = endpoints
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(input, endpoints) }
  }
  const securitySchemes = Object.fromEntries(
    Object.values(table).flatMap((endpoint) => Object.entries(schemesOf(input, endpoint)))
  )
  return {
    openapi: "3.1.0",
    info: {
      title: `${broker.title}: calls for logging in`,
      version: broker.verifiedOn,
      description:
        "Generated by an independent package, not by the broker. " +
        `The package's table of calls was compared on ${broker.verifiedOn} with the broker's documents: ${broker.documentation.join(", ")}`
    },
    servers: serversOf(broker, "api"),
    paths,
    components: { schemas: { Refusal: input.no }, securitySchemes }
  }
}
