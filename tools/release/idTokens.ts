type Variables = Readonly<Record<string, string | undefined>>

const hasOneOf = (variables: Variables, names: ReadonlyArray<string>): boolean =>
  names.some((name) => (variables[name] ?? "") !== "")

/** Whether npm logs in with an id token of the CI job. */
export const isLogin = (variables: Variables): boolean =>
  hasOneOf(variables, ["ACTIONS_ID_TOKEN_REQUEST_URL", "NPM_ID_TOKEN"])

/** Whether npm can publish with provenance. Provenance needs a job on GitHub or GitLab. */
export const hasProvenance = (variables: Variables): boolean =>
  hasOneOf(variables, variables["GITLAB_CI"] === undefined ? ["ACTIONS_ID_TOKEN_REQUEST_URL"] : ["SIGSTORE_ID_TOKEN"])
