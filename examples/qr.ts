/** Logs in to RMoney with a QR code, which the user scans with RMoney's app. */
import * as Connection from "@auth/node/Connection"
import * as RmoneyQr from "@auth/rmoney/RmoneyQr"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const rmoney = await Connection.open(RmoneyQr.layerConfig())
const folder = await mkdtemp(join(tmpdir(), "rmoney-"))
const file = join(folder, "qr.png")

try {
  await rmoney.session().catch((error) => {
    // `ActionRequired` means that no session is valid, and that only a person can log in.
    if (error.reason?._tag !== "ActionRequired") throw error
    return rmoney.loginByQr({
      // A QR code is valid for 35 seconds. Then this function is called again with a new code.
      show: async ({ image }) => {
        await writeFile(file, Connection.reveal(image), "base64")
        console.log(`Open ${file}, and scan the QR code with RMoney's app.`)
      }
    })
  })
  const answer = await rmoney.fetch("https://webuat.rmoneyindia.co.in/open-api/od/v1/profile")
  console.log(await answer.json())
} finally {
  await rmoney.close()
  await rm(folder, { recursive: true })
}
