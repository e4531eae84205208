/** Does the same as script.ts, but in CommonJS, and with Samco. */
const Connection = require("@auth/node/Connection")
const SamcoAuth = require("@auth/samco/SamcoAuth")

const main = async () => {
  const samco = await Connection.open(SamcoAuth.layerConfig())
  const answer = await samco.fetch("https://tradeapi.samco.in/limit/getLimits")
  console.log(await answer.json())
  await samco.close()
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
