"use strict"
// This file must be loaded before smartapi-javascript. The constructor of that SDK requests the machine's public IP address from
// the internet. Without the internet, the process crashes. This stub answers the request, so the SDK itself is
// unchanged.
const { createRequire } = require("node:module")

const fromSdk = createRequire(createRequire(__filename).resolve("smartapi-javascript/package.json"))
const id = fromSdk.resolve("public-ip")
require.cache[id] = { id, filename: id, loaded: true, exports: { v4: async () => "203.0.113.7" } }
