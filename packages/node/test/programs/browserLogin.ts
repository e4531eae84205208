/** Argument: the redirect URL. Prints `session`, `interrupted` or the error. */
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as RedirectListener from "@auth/node/RedirectListener"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { makeBroker } from "../redirectSupport.ts"

const { redirect } = makeBroker(process.argv[2] ?? "")
const login = RedirectListener.login().pipe(Effect.provideService(RedirectLogin.RedirectLogin, redirect))
const exit = await Effect.runPromiseExit(login)
if (Exit.isSuccess(exit)) console.log("session")
else console.log(Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : String(Cause.squash(exit.cause)))
