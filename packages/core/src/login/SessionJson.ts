/**
 * Converts sessions to JSON and back, so that a vault can store them.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Session from "./Session.ts"

const Secret = Schema.RedactedFromValue(Schema.NonEmptyString)

const Encoded = Schema.Struct({
  account: Schema.Struct({
    broker: Schema.String,
    environment: Schema.String,
    app: Schema.String,
    id: Schema.String
  }),
  method: Schema.String,
  tokens: Schema.Struct({
    access: Secret,
    refresh: Schema.optionalKey(Secret),
    feed: Schema.optionalKey(Secret),
    login: Schema.optionalKey(Secret)
  }),
  issuedAt: Schema.Finite,
  expiresAt: Schema.optional(Schema.Finite),
  expirySource: Schema.Literals(["jwt", "expires-in", "daily-cut-off", "lifetime", "unknown"]),
  profile: Schema.optional(
    Schema.Struct({
      id: Schema.String,
      name: Schema.optionalKey(Schema.String),
      email: Schema.optionalKey(Schema.String),
      mobile: Schema.optionalKey(Schema.String),
      exchanges: Schema.optionalKey(Schema.Array(Schema.String)),
      products: Schema.optionalKey(Schema.Array(Schema.String)),
      flags: Schema.optionalKey(Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Boolean])))
    })
  ),
  extras: Schema.optional(Schema.Record(Schema.String, Schema.String))
})

/**
 * Converts a session to JSON and back. The JSON contains the tokens as plain text. Store the JSON only in encrypted
 * form.
 *
 * @example
 * ```ts
 * import * as Account from "@auth/broker-core/login/Account"
 * import * as Expiry from "@auth/broker-core/login/Expiry"
 * import * as Session from "@auth/broker-core/login/Session"
 * import * as SessionJson from "@auth/broker-core/login/SessionJson"
 * import * as Redacted from "effect/Redacted"
 * import * as Schema from "effect/Schema"
 *
 * const session = Session.make({
 *   account: Account.make({ broker: "angel", id: "A123456" }),
 *   method: "totp",
 *   tokens: { access: Redacted.make("eyJ…") },
 *   issuedAt: Date.UTC(2026, 0, 1),
 *   expiry: Expiry.dailyAt("00:00")
 * })
 * const json = Schema.encodeSync(SessionJson.SessionFromJson)(session)
 * Schema.decodeSync(SessionJson.SessionFromJson)(json).expiresAt // => Date.UTC(2026, 0, 1, 18, 30)
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const SessionFromJson: Schema.Codec<Session.Session, string> = Schema.fromJsonString(
  Encoded.pipe(
    Schema.decodeTo(
      Schema.declare(Session.isSession, { expected: "Session" }),
      SchemaTransformation.transform({
        decode: ({ extras, ...fields }) =>
          Session.restore({
            ...fields,
            expiresAt: fields.expiresAt,
            profile: fields.profile,
            ...(extras !== undefined && { extras })
          }),
        encode: ({ account, expiresAt, expirySource, extras, issuedAt, method, profile, tokens }) => ({
          account,
          method,
          tokens,
          issuedAt,
          expiresAt,
          expirySource,
          profile,
          ...(extras !== undefined && { extras })
        })
      })
    )
  )
)
