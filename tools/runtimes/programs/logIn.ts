/** Logs in once, on any runtime. So this file imports no module that needs a certain platform. */
import type { Renewal } from "@auth/broker-core/broker/Renewal"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { Authorize } from "@auth/broker-core/login/Authorize"
import type { Logout } from "@auth/broker-core/login/Logout"
import type { Profile } from "@auth/broker-core/login/Profile"
import type { RedirectLogin } from "@auth/broker-core/login/RedirectLogin"
import type { StepUp } from "@auth/broker-core/login/StepUp"
import * as Connection from "@auth/broker-core/session/Connection"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"

export interface Job {
  /** The environment variables with the credentials. */
  readonly env: Readonly<Record<string, string>>
  /** The simulator's address for each origin of the broker. */
  readonly servers: Readonly<Record<string, string>>
  /** The address of the server that answers in place of the user. */
  readonly user: string
}

export const ask = async ({ user }: Pick<Job, "user">, question: "callback" | "code", body = ""): Promise<string> => {
  const answer = await fetch(`${user}/${question}`, { method: "POST", body })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`The user did not answer: ${text}`)
  return text
}

const clientOf = ({ servers }: Job): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.mapRequest((request) => {
        const { origin } = new URL(request.url)
        return HttpClientRequest.setUrl(request, `${servers[origin]}${request.url.slice(origin.length)}`)
      })
    )
  ).pipe(Layer.provide(FetchHttpClient.layer))

type Account<Services> = Layer.Layer<
  Renewal | Logout | Authorize | Profile | Services,
  AuthError,
  HttpClient.HttpClient
>

const configured = <Services>(account: Account<Services>, { env }: Job): Account<Services> =>
  Layer.provide(account, ConfigProvider.layer(ConfigProvider.fromEnv({ env })))

interface Open {
  readonly profile: () => Promise<unknown>
  readonly logout: () => Promise<unknown>
  readonly close: () => Promise<void>
}

const finish = async (connection: Open): Promise<void> => {
  await connection.profile()
  await connection.logout()
  await connection.close()
}

export const logIn = async (account: Account<never>, job: Job): Promise<void> => {
  const connection = await Connection.open(configured(account, job), { client: clientOf(job) })
  await connection.session()
  await finish(connection)
}

export const logInWithCode = async (account: Account<StepUp>, job: Job): Promise<void> => {
  const codes = () => ask(job, "code")
  const connection = await Connection.open(configured(account, job), { client: clientOf(job), codes })
  await connection.session()
  await finish(connection)
}

/** Logs in on the broker's page, as a web app does. */
export const logInOnPage = async (account: Account<RedirectLogin>, job: Job): Promise<void> => {
  const connection = await Connection.open(configured(account, job), { client: clientOf(job) })
  const begun = await connection.beginLogin()
  const cookie = await begun.seal()
  const callback = await ask(job, "callback", Connection.reveal(begun.url))
  await (await connection.resumeLogin(cookie)).complete(callback)
  await finish(connection)
}
