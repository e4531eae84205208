import { assert, it } from "@effect/vitest"
import { refusalIn } from "../src/internal/doctor/network.ts"

it.each([
  [407, "<html><h1>Cache Access Denied</h1></html>", { _tag: "BrokerUnavailable", why: "proxy" }],
  [403, "<html><h1>Forbidden</h1></html>", { _tag: "PermissionDenied", why: "waf" }],
  [200, "<html>Request Rejected. Your support ID is: 4711</html>", { why: "waf", supportId: "4711" }],
  [502, "<html><h1>Bad Gateway</h1></html>", { _tag: "BrokerUnavailable", why: "broker" }]
] as const)("`doctor` finds the cause of HTTP %i with the page %s", (status, body, expected) => {
  assert.deepInclude(refusalIn({ status, body }), expected)
})

it.each([
  [200, "{}"],
  [404, "Not Found"]
] as const)("`doctor` accepts HTTP %i with the body %s", (status, body) => {
  assert.isUndefined(refusalIn({ status, body }))
})
