/** Measured sizes or largest allowed sizes, in bytes, by name. */
export interface Budgets {
  /** Size of the minified and compressed code that a program loads at its start. */
  readonly programs: Readonly<Record<string, number>>
  /** Size of the installed package. */
  readonly packages: Readonly<Record<string, number>>
}

const kinds = { programs: "program", packages: "package" } as const

type Kind = keyof Budgets

const each = (budgets: Budgets): ReadonlyArray<readonly [kind: Kind, name: string, bytes: number]> =>
  (Object.keys(kinds) as ReadonlyArray<Kind>).flatMap((kind) =>
    Object.entries(budgets[kind]).map(([name, bytes]) => [kind, name, bytes] as const)
  )

export const overBudget = (measured: Budgets, budgets: Budgets): ReadonlyArray<string> =>
  each(measured).flatMap(([kind, name, bytes]) => {
    const budget = budgets[kind][name]
    if (budget === undefined) return [`The ${kinds[kind]} ${name} has no budget in tools/size/budgets.json.`]
    return bytes <= budget
      ? []
      : [`The ${kinds[kind]} ${name} has ${bytes} bytes, ${bytes - budget} more than its budget of ${budget} bytes.`]
  })

/** Adds 2 percent, so that small changes need no new budgets. */
const roundUp = (bytes: number): number => Math.ceil((bytes * 1.02) / 100) * 100

const roundAll = (sizes: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(sizes)
      .map(([name, bytes]) => [name, roundUp(bytes)] as const)
      .toSorted(([left], [right]) => left.localeCompare(right))
  )

export const withSlack = ({ packages, programs }: Budgets): Budgets => ({
  programs: roundAll(programs),
  packages: roundAll(packages)
})
