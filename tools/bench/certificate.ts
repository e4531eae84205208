import * as path from "node:path"

const folder = path.join(import.meta.dirname, "../../packages/node/test/tls")

export const certificate = {
  host: "localhost",
  file: path.join(folder, "certificate.pem"),
  keyFile: path.join(folder, "key.pem")
}
