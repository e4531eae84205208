/** Judges the output of `npm audit signatures --json`. */

/** A package with a wrong or missing signature. */
interface Unsigned {
  readonly name: string
  readonly version: string
  readonly code?: string
}

interface Output {
  readonly invalid?: ReadonlyArray<Unsigned>
  readonly missing?: ReadonlyArray<Unsigned>
  readonly error?: { readonly code?: string; readonly summary?: string }
}

export type Verdict =
  | { readonly kind: "signed" }
  /** A server failed or did not answer, or the registry does not sign packages. */
  | { readonly kind: "unchecked"; readonly reason: string }
  | { readonly kind: "refused"; readonly problems: ReadonlyArray<string> }

/** npm's error codes for a server that did not answer, or answered with a status of 500 or more. */
const unreachable =
  /^(E5\d\d|EAI_AGAIN|ECONN\w+|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|ETIMEDOUT|ERR_SOCKET_TIMEOUT|TUF_(REFRESH_METADATA|DOWNLOAD_TARGET)_ERROR)$/

const unsupported = /installed from a supported registry/

const parse = (stdout: string): Output | undefined => {
  try {
    return JSON.parse(stdout) as Output
  } catch {
    return undefined
  }
}

const spell =
  (problem: string) =>
  ({ code, name, version }: Unsigned): string =>
    `${name}@${version}: ${problem}${code === undefined ? "" : ` (${code})`}`

/** Returns `refused` for unknown output. */
export const verdictOf = (stdout: string, printed: string): Verdict => {
  const { error, invalid, missing } = parse(stdout) ?? {}
  if (invalid !== undefined && missing !== undefined) {
    const problems = [
      ...invalid.map(spell("its signature is wrong")),
      ...missing.map(spell("it has no signature, but its registry signs packages"))
    ]
    return problems.length === 0 ? { kind: "signed" } : { kind: "refused", problems }
  }
  const summary = error?.summary ?? printed.trim()
  return unreachable.test(error?.code ?? "") || unsupported.test(summary)
    ? { kind: "unchecked", reason: `${error?.code ?? "npm"}: ${summary}` }
    : { kind: "refused", problems: [`npm audit signatures failed: ${summary}`] }
}
