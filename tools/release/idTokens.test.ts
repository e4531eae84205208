import { assert, describe, it } from "@effect/vitest"
import { hasProvenance, isLogin } from "./idTokens.ts"

const url = { ACTIONS_ID_TOKEN_REQUEST_URL: "https://ci.example/token" }
const npm = { NPM_ID_TOKEN: "id" }
const sigstore = { SIGSTORE_ID_TOKEN: "id" }
const gitlab = { GITLAB_CI: "true" }

describe("the id tokens of a CI job", () => {
  it.each([
    ["no id token", {}, false, false],
    ["GitHub Actions with an id token", url, true, true],
    ["GitHub Actions with an empty address for id tokens", { ACTIONS_ID_TOKEN_REQUEST_URL: "" }, false, false],
    ["CircleCI with an id token for npm", npm, true, false],
    ["GitLab with an id token for npm", { ...gitlab, ...npm }, true, false],
    ["GitLab with an id token for Sigstore", { ...gitlab, ...sigstore }, false, true],
    ["GitLab with both id tokens", { ...gitlab, ...npm, ...sigstore }, true, true],
    ["another CI system with an id token for Sigstore", sigstore, false, false]
  ])(
    "decide whether npm can log in, and whether it can publish with provenance: %s",
    (_, variables, login, provenance) =>
      assert.deepStrictEqual([isLogin(variables), hasProvenance(variables)], [login, provenance])
  )
})
