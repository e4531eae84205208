import { assert, describe, it } from "@effect/vitest"
import { hasProvenance, isLogin } from "./idTokens.ts"

const url = { ACTIONS_ID_TOKEN_REQUEST_URL: "https://ci.example/token" }
const npm = { NPM_ID_TOKEN: "id" }
const sigstore = { SIGSTORE_ID_TOKEN: "id" }
const gitlab = { GITLAB_CI: "true" }

describe("the id tokens of a CI job", () => {
  it.each([
    ["a job without an id token", {}, false, false],
    ["a job of GitHub Actions with an id token", url, true, true],
    ["a job of GitHub Actions with an empty address for id tokens", { ACTIONS_ID_TOKEN_REQUEST_URL: "" }, false, false],
    ["a job of CircleCI with an id token for npm", npm, true, false],
    ["a job of GitLab with an id token for npm", { ...gitlab, ...npm }, true, false],
    ["a job of GitLab with an id token for Sigstore", { ...gitlab, ...sigstore }, false, true],
    ["a job of GitLab with both id tokens", { ...gitlab, ...npm, ...sigstore }, true, true],
    ["a job of another CI system with an id token for Sigstore", sigstore, false, false]
  ])(
    "decide whether npm can log in, and whether npm can publish with provenance: %s",
    (_, variables, login, provenance) =>
      assert.deepStrictEqual([isLogin(variables), hasProvenance(variables)], [login, provenance])
  )
})
