export interface Options {
  /** The scope in the text, such as `@auth`. */
  readonly from: string
  readonly to: string
  /** The names that this repository uses after the scope: its packages, and the export condition `source`. */
  readonly names: ReadonlySet<string>
}

export interface Rewritten {
  readonly text: string
  readonly count: number
  /** Names that have the scope but do not belong to this repository. They are not replaced. */
  readonly foreign: ReadonlyArray<string>
}

/**
 * Replaces the scope in two cases:
 * - A slash and one of `names` follow the scope.
 * - No name follows the scope, as in `@auth/${broker}`, `@auth\/` and `npm_config_@auth:registry`.
 *
 * Does not replace a part of a longer word, such as an email address.
 */
export const rewrite = (text: string, { from, names, to }: Options): Rewritten => {
  const foreign: Array<string> = []
  let count = 0
  const scope = from.replaceAll(/[.]/g, "\\.")
  const pattern = new RegExp(
    `(?<![A-Za-z0-9.+-])${scope}(?![\\w-]|\\.\\w)(?:(\\\\?/)([a-z0-9]+(?:[._-]+[a-z0-9]+)*))?`,
    "g"
  )
  const replaced = text.replace(pattern, (whole: string, slash?: string, name?: string) => {
    if (slash === undefined || name === undefined || names.has(name)) {
      count += 1
      return to + whole.slice(from.length)
    }
    foreign.push(`${from}/${name}`)
    return whole
  })
  return { text: replaced, count, foreign }
}

/** npm's limit for the name of a package, including the scope. */
const maxLength = 214

export const problemOf = (
  to: string,
  { from, names, taken }: Pick<Options, "from" | "names"> & { readonly taken: ReadonlySet<string> }
): string | undefined => {
  if (!/^@[a-z0-9][a-z0-9._-]*$/.test(to) || to.endsWith(".")) {
    return (
      `"${to}" cannot be an npm scope: use "@", then a lower-case letter or a digit, then lower-case letters, digits, ` +
      `dots, hyphens or underscores, and no dot at the end, as in "@your-scope".`
    )
  }
  const longest = Math.max(...Array.from(names, (name) => name.length))
  if (to.length + 1 + longest > maxLength) {
    return `"${to}" is too long: a scope of these packages may have at most ${maxLength - 1 - longest} characters.`
  }
  if (to === from) return `The packages already have the scope ${to}: choose another one.`
  if (taken.has(to)) return `${to} is the scope of packages that this repository installs: choose another one.`
  return undefined
}
