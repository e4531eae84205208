import { inspect } from "node:util"
import * as Account from "@auth/broker-core/login/Account"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as Redacted from "effect/Redacted"

export const account = Account.make({ broker: "tiny", id: "T1" })

export const session = (tokens: { readonly access?: string; readonly refresh?: string } = {}): Session.Session =>
  Session.make({
    account,
    method: "totp",
    tokens: {
      access: Redacted.make(tokens.access ?? "access-canary"),
      ...(tokens.refresh === undefined ? {} : { refresh: Redacted.make(tokens.refresh) })
    },
    issuedAt: Date.UTC(2026, 10, 21, 4),
    expiry: Expiry.dailyAt("00:00")
  })

/** Returns every form in which a program could print the value. */
export const shown = (value: unknown): string =>
  [
    JSON.stringify(value),
    String(value),
    inspect(value, { depth: 20, showHidden: true, getters: true }),
    value instanceof Error ? `${value.message}\n${value.stack}\n${inspect(value.cause, { depth: 20 })}` : ""
  ].join("\n")
