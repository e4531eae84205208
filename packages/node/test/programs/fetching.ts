import * as AngelAuth from "@auth/angel/AngelAuth"
import * as Connection from "@auth/node/Connection"
import * as Redacted from "effect/Redacted"

const [folder = "", url = ""] = process.argv.slice(2)

const credentials = {
  clientCode: "A123456",
  pin: Redacted.make("4711"),
  apiKey: Redacted.make("demoTrd1"),
  totp: Redacted.make("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
}

try {
  await using connection = await Connection.open(AngelAuth.layer({ credentials }), { folder })
  const answer = await connection.fetch(url)
  console.log(`${answer.status} ${await answer.text()}`)
} catch (error) {
  console.log((error as Error).message)
}
