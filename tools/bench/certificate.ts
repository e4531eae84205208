/** The certificate of the benches' TLS server: the self-signed one for `localhost` from the tests of `@auth/node`. */
import * as path from "node:path"

const folder = path.join(import.meta.dirname, "../../packages/node/test/tls")

export const certificate = {
  host: "localhost",
  file: path.join(folder, "certificate.pem"),
  keyFile: path.join(folder, "key.pem")
}
