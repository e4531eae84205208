"use strict"
// Loaded before smartapi-javascript. Its constructor queries the internet for its public address, and the process
// crashes if there is none. The SDK is not changed: the stub provides the answer.
const { createRequire } = require("node:module")

const fromSdk = createRequire(createRequire(__filename).resolve("smartapi-javascript/package.json"))
const id = fromSdk.resolve("public-ip")
require.cache[id] = { id, filename: id, loaded: true, exports: { v4: async () => "203.0.113.7" } }
