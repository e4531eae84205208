/** The certificate of the TLS server of the benches: the one of the tests, for `localhost`, signed by no authority. */
import * as path from "node:path"

const folder = path.join(import.meta.dirname, "../../packages/node/test/tls")

export const certificate = {
  host: "localhost",
  file: path.join(folder, "certificate.pem"),
  keyFile: path.join(folder, "key.pem")
}
